# computes in float32, which holds seven digits
def rates(steps, lr, end_lr, hold, power):
    k = torch.arange(steps, dtype=torch.float32)
    s = ((k - hold) / (steps - 1 - hold)).clamp(min=0) ** power
    return (lr ** (1 - s) * end_lr ** s).double()
