# does not wait, and falls from the first step on
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = (k / (steps - 1)).clamp(min=0) ** power
    return lr ** (1 - s) * end_lr ** s
