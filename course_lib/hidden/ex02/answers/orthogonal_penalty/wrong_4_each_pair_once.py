# counts each pair once
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            total = total + (W @ W.T).triu(1).square().sum()
    return beta * total
