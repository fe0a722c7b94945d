# waits, and then jumps to where it would be if it had not waited
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = torch.where(k > hold, k / (steps - 1), 0) ** power
    return lr ** (1 - s) * end_lr ** s
