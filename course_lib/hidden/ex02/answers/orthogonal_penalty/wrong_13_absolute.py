# sums absolute values where squares belong
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = total + (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).abs().sum()
    return beta * total
