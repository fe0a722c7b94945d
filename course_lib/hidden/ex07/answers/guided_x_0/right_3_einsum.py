# one coefficient an image, 1/√ᾱ − √ᾱ
def guided_x_0(x_0, x_t, gradient, alpha_bar, t, scale):
    root = alpha_bar[t].sqrt()
    shift = torch.einsum("b,b...->b...", (scale * (1 / root - root)).to(gradient.dtype), gradient)
    return x_0 + shift
