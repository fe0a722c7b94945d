# in logs, in float64: log ratio = l − log(a − (1−a) exp(l)) + log((1−π)/π)
def density_ratio(logit, pi, a):
    l = logit.double()
    rest = (a - (1 - a) * l.exp()).clamp_min(0)
    return torch.exp(l - rest.log() + math.log1p(-pi) - math.log(pi)).to(logit.dtype)
