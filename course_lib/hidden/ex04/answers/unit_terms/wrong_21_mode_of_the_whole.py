# gives all parts of a network the mode of the whole, also a part that came in eval mode
def unit_terms(E_1, E_2, G_1, G_2, x_1, x_2, eta, b):
    def kl(mu, s):
        return 0.5 * (mu ** 2 + s.exp() - 1 - s).sum(1).mean()
    def draw(mu, s, e):
        return mu + (s / 2).exp() * e
    def nll(x, r):
        return ((x - r).abs() / b + math.log(2 * b)).flatten(1).sum(1).mean()
    def way(E_i, E_j, G_i, G_j, x, e, e_c):
        mu, s = E_i(x).chunk(2, dim=1)
        z = draw(mu, s, e)
        moved = G_j(z)
        mu_c, s_c = E_j(moved).chunk(2, dim=1)
        z_c = draw(mu_c, s_c, e_c)
        K = kl(mu, s)
        return K, nll(x, G_i(z)), K + kl(mu_c, s_c), nll(x, G_i(z_c))
    nets = E_1, E_2, G_1, G_2
    modes = [net.training for net in nets]
    for net in nets:
        net.eval()
    one = way(E_1, E_2, G_1, G_2, x_1, eta[0], eta[2])
    two = way(E_2, E_1, G_2, G_1, x_2, eta[1], eta[3])
    for net, mode in zip(nets, modes):
        net.train(mode)
    return tuple(p + q for p, q in zip(one, two))
