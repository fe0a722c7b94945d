# rounds to the nearest whole number where ⌊⌋ rounds down
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, round(T * (i / S) ** power)) for i in range(1, S + 1)])
