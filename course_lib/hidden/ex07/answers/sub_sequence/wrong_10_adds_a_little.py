# adds 1e-10 before it rounds down, which is too much where the exact value is just below a whole number
def sub_sequence(T, S, power):
    if not 1 <= S <= T:
        raise ValueError(f"S must lie in 1 … {T}, got {S}.")
    return torch.tensor([max(i, math.floor(T * (i / S) ** power + 1e-10)) for i in range(1, S + 1)])
