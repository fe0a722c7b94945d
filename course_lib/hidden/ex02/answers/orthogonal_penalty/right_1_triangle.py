# the products above the diagonal, twice
def orthogonal_penalty(beta, *weights):
    parts = []
    for W in weights:
        if W.dim() >= 2:
            rows = W.reshape(W.shape[0], -1)
            parts.append(2 * (rows @ rows.mT).triu(diagonal=1).pow(2).sum())
    return beta * torch.stack(parts).sum()
