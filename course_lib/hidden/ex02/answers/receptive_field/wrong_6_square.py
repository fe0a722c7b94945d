# takes every layer for a square one and uses its rows for both
def receptive_field(layers):
    size, jump, start = 1, 1, 0
    for (k, _), (s, _), (p, _), (d, _) in layers:
        size += d * (k - 1) * jump
        start -= p * jump
        jump *= s
    return (size, size), (jump, jump), (start, start)
