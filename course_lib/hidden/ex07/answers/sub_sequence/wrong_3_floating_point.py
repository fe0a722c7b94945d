# rounds down a floating-point number that is just below a whole one
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, math.floor(T * (i / S) ** power)) for i in range(1, S + 1)])
