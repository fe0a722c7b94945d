# multiplies what does not count by 0, and 0 times NaN is NaN
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        n = valid.sum((1, 2, 3))
        each = (valid * F.softplus(sign * logit)).sum((1, 2, 3)) / n.clamp(min=1)
        return each[n > 0].mean()
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
