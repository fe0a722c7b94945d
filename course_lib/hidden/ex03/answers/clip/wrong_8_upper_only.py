# throws back at the upper bound only, and clips at the lower one
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    return (inside + rho * (inside - h).clamp(max=0)).clamp(low, high)
