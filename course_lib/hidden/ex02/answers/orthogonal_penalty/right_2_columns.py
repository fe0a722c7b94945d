# as the paper has it: filters as columns, and a mask of booleans
def orthogonal_penalty(beta, *weights):
    total = torch.zeros((), dtype=weights[0].dtype)
    for W in weights:
        if W.ndim == 1:
            continue
        columns = W.flatten(1).T
        gram = columns.T @ columns
        total = total + (gram[~torch.eye(len(gram)).bool()] ** 2).sum()
    return beta * total
