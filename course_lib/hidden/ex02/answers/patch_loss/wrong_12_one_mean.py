# takes one mean over real and generated pictures together
def patch_loss(real, fake, valid_real, valid_fake):
    pick = lambda logits, valid, sign: [F.softplus(sign * l[v]).mean()
                                        for l, v in zip(logits, valid) if v.any()]
    return torch.stack(pick(real, valid_real, -1) + pick(fake, valid_fake, 1)).mean()
