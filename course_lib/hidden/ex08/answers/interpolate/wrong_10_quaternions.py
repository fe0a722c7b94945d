# turns y round where the angle is above 90 degrees, as is done for quaternions only
def interpolate(x, y, share, power):
    a, b = x.norm(dim=1, keepdim=True), y.norm(dim=1, keepdim=True)
    u, v = x / a, y / b
    v = torch.where((u * v).sum(1, keepdim=True) < 0, -v, v)
    apart, together = (v - u).norm(dim=1, keepdim=True), (v + u).norm(dim=1, keepdim=True)
    if (together < 1e-4).any():
        raise ValueError("opposite")
    theta = 2 * torch.atan2(apart, together)
    s = share[:, None]
    part = lambda s: s * torch.sinc(s * theta / math.pi) / torch.sinc(theta / math.pi)
    length = ((1 - s) * a ** power + s * b ** power) ** (1 / power)
    return length * (part(1 - s) * u + part(s) * v)
