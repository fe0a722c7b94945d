# multiplies the jump by this layer's stride before it is used
def receptive_field(layers):
    size, jump, start = [1, 1], [1, 1], [0, 0]
    for k, s, p, d in layers:
        for i in (0, 1):
            jump[i] *= s[i]
            size[i] += d[i] * (k[i] - 1) * jump[i]
            start[i] -= p[i] * jump[i]
    return tuple(size), tuple(jump), tuple(start)
