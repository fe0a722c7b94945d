# takes the power of the rate's fall, so that the last rate is another
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float64)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) 
    return lr * ((end_lr / lr) ** s) ** power
