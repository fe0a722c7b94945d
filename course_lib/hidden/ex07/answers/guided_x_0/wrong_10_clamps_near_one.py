# keeps ᾱ_t at 0.9999 or less, so that x_0 moves too far where there is hardly any noise
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = alpha_bar[t].clamp(max=0.9999).reshape(-1, *[1] * (x_0.ndim - 1))
    return x_0 + scale * ((1 - a) / a.sqrt()).to(x_0.dtype) * gradient
