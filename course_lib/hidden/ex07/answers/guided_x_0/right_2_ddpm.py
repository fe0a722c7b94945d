# with the toolbox's schedule, through ε
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    chain = schedule.NoiseSchedule(1 - alpha_bar[1:] / alpha_bar[:-1])
    signal, noise = chain.at(alpha_bar.sqrt(), t, x_t), chain.at((1 - alpha_bar).sqrt(), t, x_t)
    eps = (x_t - signal * x_0) / noise - scale * noise * gradient
    return (x_t - noise * eps) / signal
