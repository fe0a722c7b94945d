# one weight for each patch: 1 over the picture's number of patches and the number of pictures
def patch_loss(real, fake, valid_real, valid_fake):
    def half(logit, valid):
        n = valid.sum((1, 2, 3), keepdim=True)
        weight = valid.to(logit.dtype) / n.clamp(min=1) / (n > 0).sum()
        clean = torch.where(valid, logit, torch.zeros_like(logit))
        return (weight * torch.logaddexp(clean, torch.zeros_like(clean))).sum()
    return (half(-real, valid_real) + half(fake, valid_fake)) / 2
