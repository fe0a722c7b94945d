# takes the variances for the standard deviations
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma ** 2).clamp(min=0), m + k * sigma ** 2
    inside = h.clamp(low, high)
    return (inside + rho * (inside - h)).clamp(low, high)
