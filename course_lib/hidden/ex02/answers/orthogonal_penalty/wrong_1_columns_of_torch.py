# compares the columns of torch's weight, its inputs, where the filters are the rows
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            gram = W.T @ W
            total = total + (gram * (1 - torch.eye(len(gram), dtype=W.dtype))).square().sum()
    return beta * total
