# throws back the share 1 − rho
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    return (inside + (1 - rho) * (inside - h)).clamp(low, high)
