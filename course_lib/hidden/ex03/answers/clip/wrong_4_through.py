# lets a number that comes back far come out on the other side
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    return inside + rho * (inside - h)
