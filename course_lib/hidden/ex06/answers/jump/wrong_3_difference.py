# takes ᾱ_s − ᾱ_t for the variance of the noise, where it is 1 − ᾱ_t/ᾱ_s
def jump(x_s, s, t, eps, alpha_bar):
    each = lambda values: values.to(x_s.dtype).reshape(-1, *[1] * (x_s.ndim - 1))
    return each((alpha_bar[t] / alpha_bar[s]).sqrt()) * x_s + each((alpha_bar[s] - alpha_bar[t]).sqrt()) * eps
