# in the ODE's form: x/√ᾱ moves by ε times the change of √(1/ᾱ − 1)
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    level = torch.sqrt(1 / alpha_bar - 1)
    times = [0] + [int(t) for t in tau]
    x = x_0 / 1.0
    for s, t in zip(times[:-1], times[1:]):
        y = x * float(alpha_bar[s].sqrt())
        for _ in range(iterations):
            e = eps_model(y, torch.tensor([t] * len(x_0)))
            y = float(alpha_bar[t].sqrt()) * (x + float(level[t] - level[s]) * e)
        x = y / float(alpha_bar[t].sqrt())
    return x * float(alpha_bar[times[-1]].sqrt())
