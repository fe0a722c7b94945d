# takes the mean over the entries where their sum belongs
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = total + (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).square().mean()
    return beta * total
