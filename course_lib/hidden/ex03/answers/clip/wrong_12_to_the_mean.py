# sets to the mean what would come out on the other side
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    back = inside + rho * (inside - h)
    return torch.where((back < low) | (back > high), m + 0 * back, back)
