# with the toolbox's closed forms of DDPM, the image predicted anew in each iteration
def encode(eps_model, x_0, alpha_bar, tau, iterations):
    chain = schedule.NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])
    x, s = x_0, 0
    for t in tau.tolist():
        guess = x
        for _ in range(iterations):
            eps = eps_model(guess, torch.full((len(x),), t))
            image = parametrisations.x_0_from_eps(chain, eps, x, s) if s else x
            guess = gaussian_chain.q_sample(chain, image, t, eps)
        x, s = guess, t
    return x
