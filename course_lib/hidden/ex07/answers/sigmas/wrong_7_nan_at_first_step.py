# divides √(1 − ᾱ_s) by σ for the largest η, which is 0/0 at the step to the image
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - before) / (1 - now) * (1 - now / before)
    return eta * torch.sqrt(variance), torch.sqrt(1 - before) / torch.sqrt(variance)
