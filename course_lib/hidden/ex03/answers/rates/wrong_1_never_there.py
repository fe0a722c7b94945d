# divides by the number of steps, and never comes to the last rate
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - hold)).clamp(min=0) ** power
    return lr ** (1 - s) * end_lr ** s
