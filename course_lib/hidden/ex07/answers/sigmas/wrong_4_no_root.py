# forgets the root: this is a variance where a standard deviation belongs
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - before) / (1 - now) * (1 - now / before)
    return eta * variance, torch.sqrt((1 - now) / (1 - now / before))
