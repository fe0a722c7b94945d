# whole numbers as int64 tensors
def sub_sequence(T, S, power):
    if S not in range(1, T + 1):
        raise ValueError(f"{S} steps of {T}")
    i = torch.arange(1, S + 1)
    return torch.maximum(i, torch.div(T * i ** power, S ** power, rounding_mode="floor"))
