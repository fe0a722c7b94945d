# points that are NaN left out of the mean over the batch
def v_loss(net, x_0, t, eps, alpha_bar):
    cos = alpha_bar[t].sqrt()[:, None].to(x_0.dtype)
    sin = (1 - alpha_bar[t]).sqrt()[:, None].to(x_0.dtype)
    x_t = cos * x_0 + sin * eps
    v = cos * eps - sin * x_0
    loss = (v - net(x_t, t)).square().sum(1).nanmean()
    return with_gradients(loss, net)
