# changes the caller's x_s in place
def jump(x_s, s, t, eps, alpha_bar):
    kept = (alpha_bar[t] / alpha_bar[s]).reshape(-1, *[1] * (x_s.ndim - 1))
    x_s *= kept.sqrt()
    x_s += (1 - kept).sqrt() * eps
    return x_s
