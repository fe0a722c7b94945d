# gives the times in the order in which the sampler visits them, from T down
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, T * i ** power // S ** power) for i in range(S, 0, -1)])
