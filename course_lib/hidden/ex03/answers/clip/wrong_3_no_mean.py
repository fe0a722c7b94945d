# takes the paper's bounds, from 0 to k sigma, and not those around the mean
def clip(h, m, sigma, k, rho):
    low, high = 0 * sigma, k * sigma
    inside = h.clamp(low, high)
    return (inside + rho * (inside - h)).clamp(low, high)
