# multiplies the square out, and the digits of a small difference cancel
def score_loss(E, x, k, z, sigma, p):
    std = sigma[k].view(-1, *[1] * (x.ndim - 1))
    noisy = (x + std * z).requires_grad_()
    slope = torch.autograd.grad(E(noisy).sum(), noisy, create_graph=True)[0]
    score, wanted = -slope / std, -z / std
    loss = (std**p * (score.square() / 2 - score * wanted + wanted.square() / 2)).sum() / len(x)
    return with_gradients(loss, E)
