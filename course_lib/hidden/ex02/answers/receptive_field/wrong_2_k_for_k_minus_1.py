# adds k times the jump where k - 1 neighbours are added
def receptive_field(layers):
    size, jump, start = [1, 1], [1, 1], [0, 0]
    for k, s, p, d in layers:
        for i in (0, 1):
            size[i] += d[i] * k[i] * jump[i]
            start[i] -= p[i] * jump[i]
            jump[i] *= s[i]
    return tuple(size), tuple(jump), tuple(start)
