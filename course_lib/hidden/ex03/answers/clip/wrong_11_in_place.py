# changes the codes that it was given
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    beyond = h.clamp(low, high) - h
    h += (1 + rho) * beyond
    return h.clamp(low, high)
