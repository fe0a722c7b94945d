# throws back at 0 where the lower bound lies above it
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    h = torch.where(h < 0, -rho * h, h)
    return torch.where(h > high, high - rho * (h - high), h).clamp(low, high)
