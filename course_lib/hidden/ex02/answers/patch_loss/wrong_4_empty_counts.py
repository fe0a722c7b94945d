# counts a picture without a valid patch as one with loss 0
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        logit = torch.where(valid, logit, 0.0)
        n = valid.sum((1, 2, 3)).clamp(min=1)
        return ((valid * F.softplus(sign * logit)).sum((1, 2, 3)) / n).mean()
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
