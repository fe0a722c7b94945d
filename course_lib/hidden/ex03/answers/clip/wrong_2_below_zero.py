# lets the lower bound go below 0
def clip(h, m, sigma, k, rho):
    low, high = m - k * sigma, m + k * sigma
    inside = h.clamp(low, high)
    return (inside + rho * (inside - h)).clamp(low, high)
