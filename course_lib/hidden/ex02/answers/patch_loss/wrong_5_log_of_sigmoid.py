# takes the log of a sigmoid that has been rounded to 0 or 1
def patch_loss(real, fake, valid_real, valid_fake):
    pick = lambda logits, valid, sign: torch.stack(
        [-torch.log(torch.sigmoid(sign * l[v])).mean() for l, v in zip(logits, valid) if v.any()]).mean()
    return (pick(real, valid_real, 1) + pick(fake, valid_fake, -1)) / 2
