# throws back all that lies beyond, whatever rho is
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    return (inside + (inside - h)).clamp(low, high)
