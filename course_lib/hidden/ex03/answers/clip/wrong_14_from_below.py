# measures codes from the lower bound and adds it again, which rounds codes inside
def clip(h, m, sigma, k, rho):
    low = (m - k * sigma).clamp(min=0)
    high = m + k * sigma
    d, width = h - low, high - low
    c = d.clamp(min=0).minimum(width)
    d = (c - rho * (d - c)).clamp(min=0).minimum(width)
    return low + d
