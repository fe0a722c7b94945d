# leaves out the maximum, so that time 0 comes, and some times come twice
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError("S must lie in 1 … T")
    return torch.tensor([T * i ** power // S ** power for i in range(1, S + 1)])
