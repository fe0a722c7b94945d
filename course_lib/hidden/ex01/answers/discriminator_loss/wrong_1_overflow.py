# writes log D as −log(1 + exp(−l)), whose exp overflows
def discriminator_loss(logit_real, logit_fake, a):
    minus_log_D = torch.log1p(torch.exp(-logit_real))
    minus_log_not_D = torch.log1p(torch.exp(logit_real))
    fake = torch.log1p(torch.exp(logit_fake))
    return (a * minus_log_D + (1 - a) * minus_log_not_D).mean() + fake.mean()
