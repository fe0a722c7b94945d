# unit vectors of each picture, found by F.normalize in float64
def guided_eps(eps_model, x_t, t, z_i, z_t, none_i, none_t, s_i, s_t, phi):
    ask = lambda i, c: eps_model(x_t, t, i, c)
    no_i, no_t = torch.zeros_like(z_i) + none_i, torch.zeros_like(z_t) + none_t
    o, p, b = ask(no_i, no_t), ask(z_i, no_t), ask(z_i, z_t)
    mixed = s_t * (b - p)
    mixed = mixed + s_i * (p - o)
    mixed = mixed + o
    flat = mixed.double().flatten(1)
    length = b.double().flatten(1).norm(dim=1, keepdim=True)
    rescaled = (length * F.normalize(flat, dim=1, eps=1e-300)).reshape(x_t.shape).to(x_t.dtype)
    return torch.lerp(mixed, rescaled, phi)
