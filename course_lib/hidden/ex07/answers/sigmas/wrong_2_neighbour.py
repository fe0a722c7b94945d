# takes ᾱ at t − 1, the neighbour, where the time before t in the sub-sequence belongs
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = alpha_bar[tau - 1]
    variance = (1 - before) / (1 - now) * (1 - now / before)
    return eta * torch.sqrt(variance), torch.sqrt((1 - now) / (1 - now / before))
