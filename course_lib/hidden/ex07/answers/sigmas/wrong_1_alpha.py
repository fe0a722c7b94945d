# takes α_t and α_s, one step's, where ᾱ_t and ᾱ_s belong
def sigmas(alpha_bar, tau, eta):
    now = torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])[tau]
    before = torch.cat([alpha_bar[:1], now[:-1]])
    variance = (1 - before) / (1 - now) * (1 - now / before)
    return eta * torch.sqrt(variance), torch.sqrt((1 - now) / (1 - now / before))
