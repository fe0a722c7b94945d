# takes the mean over the pictures whose loss is not 0, and so leaves out those that D has right
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        logit = torch.where(valid, logit, 0.0)
        each = (valid * F.softplus(sign * logit)).sum((1, 2, 3)) / valid.sum((1, 2, 3)).clamp(min=1)
        return each.sum() / (each > 0).sum().clamp(min=1)
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
