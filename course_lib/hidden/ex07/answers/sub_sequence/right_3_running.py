# no maximum: a time is at least one more than the one before it, which comes to the same
def sub_sequence(T, S, power):
    if not 0 < S <= T:
        raise ValueError("no such sub-sequence")
    tau = [0]
    for i in range(1, S + 1):
        tau.append(max(tau[-1] + 1, T * i ** power // S ** power))
    return torch.tensor(tau[1:], dtype=torch.int64)
