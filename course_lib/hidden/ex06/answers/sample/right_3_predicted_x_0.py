# by way of the predicted x_0 and the mean of the posterior, in plain floats
def sample(eps_model, x_T, z, times, alpha_bar):
    x, left = x_T.clone(), list(times)
    while left:
        t = left.pop()
        s = left[-1] if left else 0
        now, before = float(alpha_bar[t]), float(alpha_bar[s])
        step = 1 - now / before
        x_0 = (x - math.sqrt(1 - now) * eps_model(x, torch.tensor([t] * len(x)))) / math.sqrt(now)
        x = (math.sqrt(before) * step * x_0 + math.sqrt(1 - step) * (1 - before) * x) / (1 - now)
        if s:
            x = x + math.sqrt(step) * z[t]
    return x
