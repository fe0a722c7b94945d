# takes the power of what is left of the way, and not of what is done
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = 1 - (1 - ((k - hold) / (steps - 1 - hold)).clamp(min=0)) ** power
    return lr ** (1 - s) * end_lr ** s
