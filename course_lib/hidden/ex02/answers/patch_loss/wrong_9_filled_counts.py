# fills what does not count with 0, which costs log 2, and takes the mean over all patches
def patch_loss(real, fake, valid_real, valid_fake):
    def mean_loss(logit, valid, sign):
        each = F.softplus(sign * torch.where(valid, logit, 0.0)).mean((1, 2, 3))
        return each[valid.any(3).any(2).any(1)].mean()
    return (mean_loss(real, valid_real, -1) + mean_loss(fake, valid_fake, 1)) / 2
