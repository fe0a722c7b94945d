# computes powers in int64 tensors, which overflow without a word where the power is high
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    i = torch.arange(1, S + 1)
    return torch.maximum(i, T * i ** power // i[-1] ** power)
