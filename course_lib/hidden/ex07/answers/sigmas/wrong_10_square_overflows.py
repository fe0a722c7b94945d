# takes η² into the root, where the square of a large η overflows
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    forward = 1 - now / before
    sigma = torch.sqrt(eta ** 2 * (1 - before) / (1 - now) * forward)
    return sigma, torch.sqrt((1 - now) / forward)
