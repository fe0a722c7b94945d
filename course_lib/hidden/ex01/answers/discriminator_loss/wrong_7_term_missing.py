# leaves out (1−a) log(1−D) on the real pictures: this scales their loss, it does not smooth their label
def discriminator_loss(logit_real, logit_fake, a):
    return -a * F.logsigmoid(logit_real).mean() - F.logsigmoid(-logit_fake).mean()
