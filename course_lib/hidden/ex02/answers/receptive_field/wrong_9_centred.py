# puts the field of unit 0 around pixel 0, whatever the padding is
def receptive_field(layers):
    size, jump = [1, 1], [1, 1]
    for k, s, p, d in layers:
        for i in (0, 1):
            size[i] += d[i] * (k[i] - 1) * jump[i]
            jump[i] *= s[i]
    return tuple(size), tuple(jump), tuple(-(r // 2) for r in size)
