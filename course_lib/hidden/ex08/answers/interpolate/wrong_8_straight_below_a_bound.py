# takes the chord where sin θ is below 0.001, which shortens the vectors
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
    line, arc = (1 - s) * u + s * v, part(1 - s) * u + part(s) * v
    return length * torch.where(theta.sin() < 1e-3, line, arc)
