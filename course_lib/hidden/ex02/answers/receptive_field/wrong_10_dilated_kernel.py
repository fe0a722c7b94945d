# takes d k for the effective kernel, where it is d (k - 1) + 1
def receptive_field(layers):
    size, jump, start = [1, 1], [1, 1], [0, 0]
    for k, s, p, d in layers:
        for i in (0, 1):
            size[i] += (d[i] * k[i] - 1) * jump[i]
            start[i] -= p[i] * jump[i]
            jump[i] *= s[i]
    return tuple(size), tuple(jump), tuple(start)
