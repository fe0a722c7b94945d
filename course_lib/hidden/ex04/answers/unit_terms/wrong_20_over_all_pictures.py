# divides by the pictures of both domains together
def unit_terms(E_1, E_2, G_1, G_2, x_1, x_2, eta, b):
    def encode(E, x, noise):
        mu, s = E(x).chunk(2, dim=1)
        kl = (mu ** 2 + s.exp() - 1 - s).sum(1).mean() / 2
        return mu + (s / 2).exp() * noise, kl

    def nll(x, x_hat):
        return ((x - x_hat).abs() / b + math.log(2 * b)).flatten(1).sum(1).mean()

    def direction(E_i, E_j, G_i, G_j, x, eta_i, eta_ij):
        z, kl = encode(E_i, x, eta_i)
        z_ij, kl_ij = encode(E_j, G_j(z), eta_ij)
        return kl, nll(x, G_i(z)), kl + kl_ij, nll(x, G_i(z_ij))

    one = direction(E_1, E_2, G_1, G_2, x_1, eta[0], eta[2])
    two = direction(E_2, E_1, G_2, G_1, x_2, eta[1], eta[3])
    n, m = len(x_1), len(x_2)
    return tuple(2 * (n * a + m * b) / (n + m) for a, b in zip(one, two))
