# Counts the largest η as 1 where η is 0: it belongs to the step, whatever η is asked for.
def sigmas(alpha_bar, tau, eta):
    now = alpha_bar[tau]
    then = torch.cat([alpha_bar[:1], now[:-1]])

    fresh = 1 - now / then
    largest = ((1 - now) / fresh).sqrt()
    return eta * ((1 - then) / (1 - now) * fresh).sqrt(), torch.where(eta > 0, largest, torch.ones_like(eta))
