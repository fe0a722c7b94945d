# leaves out both roots: it multiplies by variances where standard deviations belong
def jump(x_s, s, t, eps, alpha_bar):
    kept = alpha_bar[t] / alpha_bar[s]
    kept = kept.reshape(-1, *[1] * (x_s.ndim - 1))
    return (kept).to(x_s.dtype) * x_s + (1 - kept).to(x_s.dtype) * eps
