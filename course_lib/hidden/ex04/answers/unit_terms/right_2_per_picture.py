# each term of each picture first, and the means at the end
def unit_terms(E_1, E_2, G_1, G_2, x_1, x_2, eta, b):
    E, G, x = (E_1, E_2), (G_1, G_2), (x_1, x_2)

    def split(out):
        return out[:, :out.shape[1] // 2], out[:, out.shape[1] // 2:]

    def kl(mu, s):
        return 0.5 * torch.sum(mu * mu + torch.exp(s) - s - 1, dim=1)

    def nll(x, y):
        d = torch.abs(x - y).reshape(len(x), -1)
        return d.sum(1) / b + d.shape[1] * math.log(2 * b)

    terms = []
    for i, j in ((0, 1), (1, 0)):
        mu, s = split(E[i](x[i]))
        z = mu + torch.sqrt(torch.exp(s)) * eta[i]
        mu_j, s_j = split(E[j](G[j](z)))
        z_j = mu_j + torch.sqrt(torch.exp(s_j)) * eta[i + 2]
        terms.append([kl(mu, s), nll(x[i], G[i](z)), kl(mu, s) + kl(mu_j, s_j),
                      nll(x[i], G[i](z_j))])
    return [(a.mean() + c.mean()).view(1) for a, c in zip(*terms)]
