# the angle itself, its cosine and sine; the norm of the difference, squared
def v_loss(net, x_0, t, eps, alpha_bar):
    angle = torch.acos(alpha_bar[t].sqrt()).unsqueeze(1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    x_t, v = (cos * x_0 + sin * eps).float(), (cos * eps - sin * x_0).float()
    error = torch.linalg.vector_norm(net(x_t, t) - v, dim=1)
    loss = (error ** 2).sum() / len(x_0)
    return with_gradients(loss, net)
