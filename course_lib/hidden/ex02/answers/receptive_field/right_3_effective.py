# with the effective kernel d (k - 1) + 1; lists instead of tuples
def receptive_field(layers):
    r, j, f = [1, 1], [1, 1], [0, 0]
    for kernel, stride, padding, dilation in layers:
        effective = [d * (k - 1) + 1 for k, d in zip(kernel, dilation)]
        r = [a + (e - 1) * b for a, e, b in zip(r, effective, j)]
        f = [a - p * b for a, p, b in zip(f, padding, j)]
        j = [a * s for a, s in zip(j, stride)]
    return r, j, f
