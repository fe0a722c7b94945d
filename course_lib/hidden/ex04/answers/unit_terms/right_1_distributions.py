# torch's own distributions and their KL
def unit_terms(E_1, E_2, G_1, G_2, x_1, x_2, eta, b):
    from torch.distributions import Laplace, Normal, kl_divergence
    prior = Normal(0.0, 1.0)

    def posterior(out):
        k = out.shape[1] // 2
        return Normal(out[:, :k], (out[:, k:] / 2).exp(), validate_args=False)

    total = [0.0, 0.0, 0.0, 0.0]
    for E_i, E_j, G_i, G_j, x, first, second in (
            (E_1, E_2, G_1, G_2, x_1, eta[0], eta[2]), (E_2, E_1, G_2, G_1, x_2, eta[1], eta[3])):
        q_i = posterior(E_i(x))
        z = q_i.loc + q_i.scale * first
        q_j = posterior(E_j(G_j(z)))
        z_j = q_j.loc + q_j.scale * second
        kls = []
        for q in (q_i, q_j):
            log_var = 2 * q.scale.log()
            kls.append(0.5 * (q.loc.square() + q.variance - 1 - log_var).sum() / len(x))
        nlls = [-Laplace(G_i(code), b).log_prob(x).sum() / len(x) for code in (z, z_j)]
        for n, term in enumerate((kls[0], nlls[0], kls[0] + kls[1], nlls[1])):
            total[n] = total[n] + term
    return total
