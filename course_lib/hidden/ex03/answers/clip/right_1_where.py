# two cases, with torch.where, minimum and maximum
def clip(h, m, sigma, k, rho):
    low, high = torch.relu(m - k * sigma), m + k * sigma
    above = torch.maximum(high - rho * (h - high), low)
    below = torch.minimum(low + rho * (low - h), high)
    return torch.where(h > high, above, torch.where(h < low, below, h))
