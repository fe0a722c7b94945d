# raises no ValueError for an S that is not in 1 … T
def sub_sequence(T, S, power):
    return torch.tensor([max(i, T * i ** power // S ** power) for i in range(1, min(S, T) + 1)])
