# one call with a batch three times as long, and coefficients
def guided_eps(eps_model, x_t, t, z_i, z_t, none_i, none_t, s_i, s_t, phi):
    n = len(x_t)
    no_i, no_t = none_i.repeat(n, 1), none_t.repeat(n, 1)
    said = eps_model(torch.cat([x_t, x_t, x_t]), t.repeat(3), torch.cat([no_i, z_i, z_i]),
                     torch.cat([no_t, no_t, z_t]))
    nothing, picture, both = said.chunk(3)
    mixed = torch.lerp(nothing, picture, s_i) + s_t * (both - picture)
    size = lambda e: e.square().flatten(1).sum(1).sqrt().reshape(-1, *[1] * (x_t.ndim - 1))
    rescaled = mixed * size(both) / size(mixed).masked_fill(size(mixed) == 0, 1.0)
    return phi * rescaled + (1 - phi) * mixed
