# logarithms and a list
def rates(steps, lr, end_lr, hold, power):
    a, b = math.log(lr), math.log(end_lr)
    etas = [lr] * (hold + 1)
    for k in range(hold + 1, steps):
        share = ((k - hold) / (steps - 1 - hold)) ** power
        etas.append(math.exp(a + share * (b - a)))
    return torch.tensor(etas, dtype=torch.float64)
