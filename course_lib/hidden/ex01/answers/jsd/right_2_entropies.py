# the entropy of the mixture minus the mean of the entropies
def jsd(p, g, pi):
    entropy = lambda q: torch.special.entr(q).sum(dim=-1)
    divergence = entropy(pi * p + (1 - pi) * g) - pi * entropy(p) - (1 - pi) * entropy(g)
    prior = torch.tensor([pi, 1 - pi], dtype=torch.float64)
    return divergence, 0, entropy(prior).item()
