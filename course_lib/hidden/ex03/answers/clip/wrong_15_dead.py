# lets numbers of dead features, whose bounds are both 0, through
def clip(h, m, sigma, k, rho):
    low, high = (m - k * sigma).clamp(min=0), m + k * sigma
    inside = h.clamp(low, high)
    new = (inside + rho * (inside - h)).clamp(low, high)
    return torch.where(((sigma == 0) & (m == 0)).expand_as(h), h, new)
