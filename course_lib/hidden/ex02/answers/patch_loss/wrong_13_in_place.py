# writes zeros into the caller's logits where nothing counts
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        with torch.no_grad():
            logit[~valid] = 0
        n = valid.sum((1, 2, 3))
        each = (valid * F.softplus(sign * logit)).sum((1, 2, 3)) / n.clamp(min=1)
        return each[n > 0].mean()
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
