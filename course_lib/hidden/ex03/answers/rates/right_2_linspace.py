# a linspace after the waiting
def rates(steps, lr, end_lr, hold, power):
    share = torch.linspace(0, 1, steps - hold, dtype=torch.float64).pow(power)
    a, b = math.log(lr), math.log(end_lr)
    falling = torch.exp((1 - share) * a + share * b)
    return torch.cat([torch.full((hold,), lr, dtype=torch.float64), falling])
