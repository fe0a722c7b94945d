# subtracts the diagonal's squares from all squares, and loses the digits that count
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(1)
            gram = W @ W.T
            total = total + gram.square().sum() - gram.diagonal().square().sum()
    return beta * total
