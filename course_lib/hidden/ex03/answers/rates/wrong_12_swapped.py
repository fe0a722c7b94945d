# rises from the last rate to the first
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return end_lr ** (1 - s) * lr ** s
