# counts biases, as filters of one number
def orthogonal_penalty(beta, *weights):
    total = 0
    for W in weights:
        W = W.reshape(len(W), -1)
        total = total + (W @ W.T * (1 - torch.eye(len(W), dtype=W.dtype))).square().sum()
    return beta * total
