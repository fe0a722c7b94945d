# penalises W W^T - I, and so the lengths too
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = total + (W @ W.T - torch.eye(len(W), dtype=W.dtype)).square().sum()
    return beta * total
