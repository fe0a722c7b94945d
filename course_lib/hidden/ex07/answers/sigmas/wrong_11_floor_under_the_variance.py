# keeps the variance at 1e-12 or more before it divides, where neighbouring ᾱ may be closer than that
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - before) / (1 - now) * (1 - now / before)
    largest = torch.sqrt((1 - before) / variance.clamp(min=1e-12))
    return eta * variance.sqrt(), torch.where(before == 1, torch.ones_like(before), largest)
