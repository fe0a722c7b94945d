# adds log((1−π)/π) to the log ratio where log(π/(1−π)) belongs
def optimal_discriminator(log_p, log_g, pi):
    return torch.sigmoid(log_p - log_g + math.log((1 - pi) / pi))
