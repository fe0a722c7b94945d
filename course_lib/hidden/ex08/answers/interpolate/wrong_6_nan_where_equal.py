# divides by sin θ, which is 0 where the vectors are equal
def interpolate(x, y, share, power):
    a, b = x.norm(dim=1, keepdim=True), y.norm(dim=1, keepdim=True)
    u, v = x / a, y / b
    apart, together = (v - u).norm(dim=1, keepdim=True), (v + u).norm(dim=1, keepdim=True)
    if (together < 1e-4).any():
        raise ValueError("opposite")
    theta = 2 * torch.atan2(apart, together)
    s = share[:, None]
    part = lambda s: torch.sin(s * theta) / torch.sin(theta)
    length = ((1 - s) * a ** power + s * b ** power) ** (1 / power)
    return length * (part(1 - s) * u + part(s) * v)
