# takes α_t where ᾱ_t belongs, in 1 − ᾱ_t and in √ᾱ_t
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    a = (alpha_bar / torch.cat([alpha_bar[:1], alpha_bar[:-1]]))[t].reshape(-1, *[1] * (x_0.ndim - 1)).to(x_0.dtype)
    return x_0 + scale * (1 - a) / a.sqrt() * gradient
