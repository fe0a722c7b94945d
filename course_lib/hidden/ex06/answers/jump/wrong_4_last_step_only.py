# uses α_t of the last step alone, where all the steps from s to t multiply
def jump(x_s, s, t, eps, alpha_bar):
    kept = alpha_bar[t] / alpha_bar[t - 1]
    kept = kept.reshape(-1, *[1] * (x_s.ndim - 1))
    return (kept.sqrt()).to(x_s.dtype) * x_s + ((1 - kept).sqrt()).to(x_s.dtype) * eps
