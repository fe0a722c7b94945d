# counts from 0, so that the sub-sequence does not end at T
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, T * (i - 1) ** power // S ** power) for i in range(1, S + 1)])
