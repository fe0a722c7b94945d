# a loop over the steps
def sigmas(alpha_bar, tau, eta):
    sigma, largest, s = [], [], 0
    for t, e in zip(tau.tolist(), eta.tolist()):
        a_t, a_s = alpha_bar[t].item(), alpha_bar[s].item()
        beta = 1 - a_t / a_s
        sigma.append(e * math.sqrt((1 - a_s) / (1 - a_t) * beta))
        largest.append(math.sqrt((1 - a_t) / beta))
        s = t
    return torch.tensor(sigma, dtype=torch.float64), torch.tensor(largest, dtype=torch.float64)
