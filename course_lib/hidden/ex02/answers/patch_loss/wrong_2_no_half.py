# leaves out the half in front of both means
def patch_loss(real, fake, valid_real, valid_fake):
    pick = lambda logits, valid, sign: torch.stack(
        [F.softplus(sign * l[v]).mean() for l, v in zip(logits, valid) if v.any()]).mean()
    return pick(real, valid_real, -1) + pick(fake, valid_fake, 1)
