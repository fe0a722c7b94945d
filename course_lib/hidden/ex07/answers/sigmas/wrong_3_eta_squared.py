# multiplies by η² where η belongs
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - before) / (1 - now) * (1 - now / before)
    return eta ** 2 * torch.sqrt(variance), torch.sqrt((1 - now) / (1 - now / before))
