# loss.backward() on the network that was lent, whose weights keep a .grad
def v_loss(net, x_0, t, eps, alpha_bar):
    cos = alpha_bar[t].sqrt()[:, None].to(x_0.dtype)
    sin = (1 - alpha_bar[t]).sqrt()[:, None].to(x_0.dtype)
    x_t = cos * x_0 + sin * eps
    v = cos * eps - sin * x_0
    loss = (v - net(x_t, t)).square().sum(1).mean()
    loss.backward(retain_graph=True)
    return with_gradients(loss, net)
