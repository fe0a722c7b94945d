# takes the norm without its square
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            off = W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))
            total = total + (off.square().sum() + 1e-30).sqrt()
    return beta * total
