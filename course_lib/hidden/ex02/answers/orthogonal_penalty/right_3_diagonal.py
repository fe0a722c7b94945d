# subtracts the diagonal as a matrix before it squares
def orthogonal_penalty(beta, *weights):
    def single(W):
        gram = torch.einsum("ik,jk->ij", W.flatten(1), W.flatten(1))
        return (gram - gram.diagonal().diag()).square().sum()
    return beta * sum(single(W) for W in weights if W.ndim > 1)
