# two sines over a sine, with the share of the arc that the bound leaves
def text_difference(z_i, z_from, z_to, strength, share, most):
    unit = lambda z: F.normalize(z, dim=-1)
    u = unit(z_i)
    wish = torch.einsum("k,knd->nd", strength, unit(z_to) - unit(z_from))
    still = torch.linalg.vector_norm(wish, dim=1, keepdim=True) < 5e-5
    v = unit(torch.where(still, u, wish))
    theta = 2 * torch.atan2((v - u).norm(dim=1, keepdim=True), (v + u).norm(dim=1, keepdim=True))
    psi = torch.minimum(share * theta, torch.full_like(theta, most))
    part = psi / torch.where(theta > 0, theta, 1)
    factor = lambda a: a * torch.sinc(a * theta / math.pi) / torch.sinc(theta / math.pi)
    return factor(1 - part) * u + factor(part) * v
