# the tangent at u towards v, and sine and cosine
def interpolate(x, y, share, power):
    size = lambda z: torch.linalg.vector_norm(z, dim=-1, keepdim=True)
    u, v = x / size(x), y / size(y)
    if bool((size(u + v) < 1e-4).any()):
        raise ValueError("no shortest arc")
    tangent = (v - u) - (u * (v - u)).sum(1, keepdim=True) * u
    side = size(tangent)
    theta = torch.atan2(side, 1 - size(v - u) ** 2 / 2)
    lam = share.unsqueeze(1)
    # sin(λθ)/sin θ, where the tangent has length sin θ
    few = lam * (1 + (1 - lam ** 2) * theta ** 2 / 6)
    small = theta < 1e-3
    safe = torch.where(small, 1.0, theta)
    ratio = torch.where(small, few, torch.sin(lam * safe) / torch.sin(safe))
    mean = ((1 - lam) * size(x) ** power + lam * size(y) ** power) ** (1 / power)
    return mean * (torch.cos(lam * theta) * u + ratio * tangent)
