# one picture at a time, with the logits that count picked out
def patch_loss(real, fake, valid_real, valid_fake):
    pick = lambda logits, valid, sign: torch.stack(
        [-F.logsigmoid(sign * l[v]).mean() for l, v in zip(logits, valid) if v.any()]).mean()
    return 0.5 * pick(real, valid_real, 1) + 0.5 * pick(fake, valid_fake, -1)
