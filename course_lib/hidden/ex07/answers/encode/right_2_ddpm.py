# with the toolbox's schedule, the image predicted anew in each iteration
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    chain = schedule.NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])
    at = lambda values, t: chain.at(values, t, x_0)
    x, s = x_0, 0
    for t in tau.tolist():
        guess = x
        for _ in range(iterations):
            eps = eps_model(guess, torch.full((len(x),), t))
            image = (x - at((1 - alpha_bar).sqrt(), s) * eps) / at(alpha_bar.sqrt(), s) if s else x
            guess = at(alpha_bar.sqrt(), t) * image + at((1 - alpha_bar).sqrt(), t) * eps
        x, s = guess, t
    return x
