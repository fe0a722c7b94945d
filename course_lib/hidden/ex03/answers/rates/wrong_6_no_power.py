# leaves out the power of the share
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0)
    return lr ** (1 - s) * end_lr ** s
