# computes with floats, which are no whole numbers and round in a deep stack
def receptive_field(layers):
    size, jump, start = [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]
    for k, s, p, d in layers:
        for i in (0, 1):
            size[i] += d[i] * (k[i] - 1) * jump[i]
            start[i] -= p[i] * jump[i]
            jump[i] *= s[i]
    return tuple(map(int, size)), tuple(map(int, jump)), tuple(map(int, start))
