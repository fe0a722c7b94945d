# computes KL(m‖p) and KL(m‖g) where KL(p‖m) and KL(g‖m) belong
def jsd(p, g, pi):
    m = pi * p + (1 - pi) * g
    kl = lambda a, b: (torch.xlogy(b, b) - torch.xlogy(b, a)).sum(-1)
    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl(p, m) + (1 - pi) * kl(g, m), 0.0, upper
