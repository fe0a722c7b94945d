# is a step ahead: it gives the rates of k + 1
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(1, steps + 1, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return lr ** (1 - s) * end_lr ** s
