# has 1 − ᾱ_t above and 1 − ᾱ_s below
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - now) / (1 - before) * (1 - now / before)
    return eta * torch.sqrt(variance), torch.sqrt((1 - now) / (1 - now / before))
