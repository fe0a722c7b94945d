# counts the pixels that are seen where dilation leaves some out, instead of first to last
def receptive_field(layers):
    size, jump, start = [1, 1], [1, 1], [0, 0]
    for i in (0, 1):
        offsets = {0}
        for k, s, p, d in layers[:6]:
            offsets = {o + d[i] * n * jump[i] for o in offsets for n in range(k[i])}
            start[i] -= p[i] * jump[i]
            jump[i] *= s[i]
        size[i] = len(offsets)
    return tuple(size), tuple(jump), tuple(start)
