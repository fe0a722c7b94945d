# throws a number inside by a share of its distance to the mean
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    return torch.where(h == inside, h, inside + rho * (m - inside))
