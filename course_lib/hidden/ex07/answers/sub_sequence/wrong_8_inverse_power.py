# takes the root where the power belongs, so that the times crowd at T
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([max(i, math.floor(T * (i / S) ** (1 / power) + 1e-9)) for i in range(1, S + 1)])
