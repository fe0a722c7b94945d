# with the toolbox's closed forms of DDPM
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    chain = schedule.NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])
    eps = parametrisations.eps_from_x_0(chain, x_0, x_t, t)
    eps = eps - scale * chain.at((1 - alpha_bar).sqrt(), t, x_t) * gradient
    return parametrisations.x_0_from_eps(chain, eps, x_t, t)
