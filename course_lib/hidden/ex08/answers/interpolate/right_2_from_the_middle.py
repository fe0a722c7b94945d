# from the middle of the arc, by half angles
def interpolate(x, y, share, power):
    length_x, length_y = (torch.sqrt((z * z).sum(1)) for z in (x, y))
    u, v = x / length_x[:, None], y / length_y[:, None]
    total, difference = u + v, v - u
    long, short = total.norm(dim=1), difference.norm(dim=1)
    if (long < 1e-4).any():
        raise ValueError("opposite vectors")
    half = torch.atan2(short, long)
    middle = total / long[:, None]
    turn = (2 * share - 1) * half                   # from the middle, − towards u, + towards v
    scale = turn / math.pi
    # sin(turn) times the unit vector of the difference, whose length is 2 sin(half)
    sines = (2 * share - 1) * torch.sinc(scale) / (2 * torch.sinc(half / math.pi))
    direction = torch.cos(turn)[:, None] * middle + sines[:, None] * difference
    length = ((1 - share) * length_x ** power + share * length_y ** power) ** (1 / power)
    return length[:, None] * direction
