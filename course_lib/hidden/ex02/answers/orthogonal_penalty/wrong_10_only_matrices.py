# leaves convolutions out
def orthogonal_penalty(beta, *weights):
    total = torch.zeros((), dtype=weights[0].dtype)
    for W in weights:
        if W.ndim == 2:
            total = total + (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).square().sum()
    return beta * total
