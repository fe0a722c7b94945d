# lets the rate itself fall along a line, and not its logarithm
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return lr + (end_lr - lr) * s
