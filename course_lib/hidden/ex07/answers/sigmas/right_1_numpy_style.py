# ᾱ_s looked up at the shifted times, the fraction written as 1/ᾱ_t − 1/ᾱ_s
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    before = alpha_bar[torch.cat([torch.zeros(1, dtype=torch.int64), tau])[:-1]]
    variance = (1 - before) * (1 / now - 1 / before) / ((1 - now) / now)
    return eta * torch.sqrt(variance), ((1 - now) / (now * (1 / now - 1 / before))).sqrt()
