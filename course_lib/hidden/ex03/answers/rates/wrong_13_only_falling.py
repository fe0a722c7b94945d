# does not let rates rise where the last one is the larger
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return (lr ** (1 - s) * end_lr ** s).clamp(max=lr)
