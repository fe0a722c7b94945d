# keeps the last weight's penalty only
def orthogonal_penalty(beta, *weights):
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).square().sum()
    return beta * total
