# jumps as if x_s were x_0, with ᾱ_t where ᾱ_t/ᾱ_s belongs
def jump(x_s, s, t, eps, alpha_bar):
    kept = alpha_bar[t]
    kept = kept.reshape(-1, *[1] * (x_s.ndim - 1))
    return (kept.sqrt()).to(x_s.dtype) * x_s + ((1 - kept).sqrt()).to(x_s.dtype) * eps
