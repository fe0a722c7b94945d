# a small number added under the root, "for stability"
def jump(x_s, s, t, eps, alpha_bar):
    kept = (alpha_bar[t] / alpha_bar[s]).reshape(-1, *[1] * (x_s.ndim - 1))
    return kept.sqrt().to(x_s.dtype) * x_s + (1 - kept + 1e-5).sqrt().to(x_s.dtype) * eps
