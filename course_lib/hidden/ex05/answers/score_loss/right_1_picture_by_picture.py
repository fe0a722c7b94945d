# picture by picture, in units of the noise
def score_loss(E, x, k, z, sigma, p):
    loss = 0.0
    for i in range(len(x)):
        std = sigma[k[i]]
        noisy = torch.lerp(x[i:i + 1], x[i:i + 1] + z[i:i + 1], std).detach()
        noisy.requires_grad_(True)
        slope = torch.autograd.grad([E(noisy).sum()], [noisy], create_graph=True)[0]
        loss = loss + 0.5 * std ** (p - 2) * torch.sum((slope[0] - z[i]) ** 2)
    loss = loss / len(x)
    return with_gradients(loss, E)
