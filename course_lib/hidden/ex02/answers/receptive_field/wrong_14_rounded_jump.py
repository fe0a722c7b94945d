# keeps the jump as a float and rounds at the end: exact only until 2^53
def receptive_field(layers):
    size, jump, start = [1, 1], [1.0, 1.0], [0, 0]
    for k, s, p, d in layers:
        for i in (0, 1):
            size[i] += d[i] * (k[i] - 1) * int(jump[i])
            start[i] -= p[i] * int(jump[i])
            jump[i] = jump[i] * s[i]
    return tuple(size), tuple(map(int, jump)), tuple(start)
