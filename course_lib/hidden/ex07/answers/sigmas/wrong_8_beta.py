# takes the variance of the step from s to t, 1 − ᾱ_t/ᾱ_s, where that of the way back belongs, given x_0
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = 1 - now / before
    return eta * torch.sqrt(variance), torch.sqrt((1 - now) / (1 - now / before))
