# takes both differences from the answer with nothing, so that the picture counts twice
def guided_eps(eps_model, x_t, t, z_i, z_t, none_i, none_t, s_i, s_t, phi):
    no_i, no_t = none_i.expand_as(z_i), none_t.expand_as(z_t)
    nothing, picture, both = (eps_model(x_t, t, i, c)
                              for i, c in ((no_i, no_t), (z_i, no_t), (z_i, z_t)))
    mixed = nothing + s_i * (picture - nothing) + s_t * (both - nothing)
    before, wanted = mixed.flatten(1).norm(dim=1), both.flatten(1).norm(dim=1)
    ratio = wanted / torch.where(before > 0, before, 1)
    factor = phi * ratio + 1 - phi
    return factor.reshape(-1, *[1] * (x_t.ndim - 1)) * mixed
