# arithmetic with the mask, and an einsum
def prior_loss(net, z_i, z_t, drop, none, t, eps, alpha_bar, gamma):
    a, d = alpha_bar[t], z_i.size(1)
    kept = (~drop).to(z_i.dtype).unsqueeze(1)
    x_0 = F.normalize(z_i) * d ** 0.5
    c = kept * F.normalize(z_t) * d ** 0.5 + (1 - kept) * none
    signal, noise = (torch.sqrt(b).to(z_i.dtype) for b in (a, 1 - a))
    x_t = torch.einsum("n,nd->nd", signal, x_0) + torch.einsum("n,nd->nd", noise, eps)
    error = x_0 - net(torch.hstack([x_t, c]), t)
    weight = torch.minimum(a / (1 - a), torch.tensor(gamma, dtype=torch.float64)).to(z_i.dtype)
    return torch.einsum("n,nd,nd->", weight, error, error) / len(z_i)
