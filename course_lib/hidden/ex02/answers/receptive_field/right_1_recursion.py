# from the top down: where units 0 and 1 begin and where unit 0 ends
def receptive_field(layers):
    def walk(unit, i):
        first = last = unit
        for k, s, p, d in reversed(layers):
            first = first * s[i] - p[i]
            last = last * s[i] - p[i] + (k[i] - 1) * d[i]
        return first, last
    sides = [(walk(0, i), walk(1, i)) for i in (0, 1)]
    size = tuple(zero[1] - zero[0] + 1 for zero, _ in sides)
    jump = tuple(one[0] - zero[0] for zero, one in sides)
    return size, jump, tuple(zero[0] for zero, _ in sides)
