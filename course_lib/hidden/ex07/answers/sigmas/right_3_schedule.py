# the toolbox's schedule of the sub-sequence, whose posterior variance is the one that is asked for
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    short = schedule.NoiseSchedule(1 - now / torch.cat([torch.ones(1, dtype=torch.float64), now[:-1]]))
    return eta * short.posterior_variance[1:].sqrt(), torch.sqrt((1 - now) / short.beta[1:])
