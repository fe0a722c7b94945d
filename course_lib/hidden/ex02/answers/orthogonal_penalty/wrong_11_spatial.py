# compares filters at each place of the kernel alone, where a filter is all of its numbers
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        if W.ndim > 1:
            W = W.flatten(2) if W.ndim > 2 else W[..., None]
            gram = torch.einsum("ick,jck->kij", W, W)
            total = total + (gram * (1 - torch.eye(W.shape[0], dtype=W.dtype))).square().sum()
    return beta * total
