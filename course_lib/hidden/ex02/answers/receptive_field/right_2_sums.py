# each quantity as a sum over the layers, with products of the strides below
def receptive_field(layers):
    result = []
    for i in range(2):
        jumps = [1]
        for layer in layers:
            jumps.append(jumps[-1] * layer[1][i])
        size = 1 + sum(l[3][i] * (l[0][i] - 1) * j for l, j in zip(layers, jumps))
        start = -sum(l[2][i] * j for l, j in zip(layers, jumps))
        result.append((size, jumps[-1], start))
    rows, columns = result
    return tuple(zip(rows, columns))
