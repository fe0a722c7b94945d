# ignores the power: the times are evenly spaced
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, T * i // S) for i in range(1, S + 1)])
