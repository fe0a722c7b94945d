# lets the rate fall as half a cosine
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return end_lr + (lr - end_lr) * (1 + torch.cos(math.pi * s)) / 2
