# the table converted to float32 first: where alpha_bar is nearly 1, 1 - alpha_bar has lost its digits
def v_loss(net, x_0, t, eps, alpha_bar):
    alpha_bar = alpha_bar.float()
    cos = alpha_bar[t].sqrt()[:, None].to(x_0.dtype)
    sin = (1 - alpha_bar[t]).sqrt()[:, None].to(x_0.dtype)
    x_t = cos * x_0 + sin * eps
    v = cos * eps - sin * x_0
    loss = (v - net(x_t, t)).square().sum(1).mean()
    return with_gradients(loss, net)
