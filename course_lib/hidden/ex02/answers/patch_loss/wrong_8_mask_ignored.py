# divides by all patches, whether they count or not
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        logit = torch.where(valid, logit, 0.0)
        each = (valid * F.softplus(sign * logit)).mean((1, 2, 3))
        return each[valid.any(3).any(2).any(1)].mean()
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
