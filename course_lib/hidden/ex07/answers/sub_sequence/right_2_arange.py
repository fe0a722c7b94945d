# whole numbers of Python in an array of objects
def sub_sequence(T, S, power):
    import numpy as np
    if S not in range(1, T + 1):
        raise ValueError(f"{S} steps of {T}")
    i = np.arange(1, S + 1, dtype=object)
    return torch.tensor(np.maximum(i, T * i ** power // S ** power).tolist())
