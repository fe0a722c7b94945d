# takes one mean over all valid patches of the batch, so that pictures with many count more
def patch_loss(real, fake, valid_real, valid_fake):
    return (F.softplus(-real[valid_real]).mean() + F.softplus(fake[valid_fake]).mean()) / 2
