# waits one step more than it is told to
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold - 1) / max(steps - 2 - hold, 1)).clamp(min=0) ** power
    return lr ** (1 - s) * end_lr ** s
