# what lies beyond each bound, as two ReLUs
def clip(h, m, sigma, k, rho):
    a, b = F.relu(m - k * sigma), m + k * sigma
    over, under = F.relu(h - b), F.relu(a - h)
    kept = torch.where(over > 0, b, torch.where(under > 0, a, h))
    return torch.min(torch.max(kept - rho * over + rho * under, a), b)
