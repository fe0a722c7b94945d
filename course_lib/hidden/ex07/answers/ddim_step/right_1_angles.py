# x_t and v as a rotation by φ, cos φ = √ᾱ_t
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    shape = (-1,) + (1,) * (x_t.dim() - 1)
    phi = torch.acos(alpha_bar[t].sqrt()).view(shape)
    x_0 = torch.cos(phi) * x_t - torch.sin(phi) * v
    eps = torch.sin(phi) * x_t + torch.cos(phi) * v
    sigma = sigma.view(shape)
    a = alpha_bar[s].view(shape)
    return (a.sqrt() * x_0 + torch.relu(1 - a - sigma.square()).sqrt() * eps + sigma * z).to(x_t.dtype)
