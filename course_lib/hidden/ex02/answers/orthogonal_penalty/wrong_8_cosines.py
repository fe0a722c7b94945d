# divides the filters by their lengths first, and penalises cosines
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = F.normalize(W.flatten(1), dim=1)
            total = total + (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).square().sum()
    return beta * total
