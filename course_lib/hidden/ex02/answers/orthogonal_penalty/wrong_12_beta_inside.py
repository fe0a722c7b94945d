# squares beta along with the products
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = total + (beta * (W @ W.T) * (1 - torch.eye(len(W), dtype=W.dtype))).square().sum()
    return total
