# the norm by a square root, whose gradient is NaN where the error is 0
def v_loss(net, x_0, t, eps, alpha_bar):
    signal, noise = (share[t].sqrt().to(x_0.dtype)[:, None] for share in (alpha_bar, 1 - alpha_bar))
    x_t, v = signal * x_0 + noise * eps, signal * eps - noise * x_0
    loss = (v - net(x_t, t)).square().sum(1).sqrt().square().mean()
    return with_gradients(loss, net)
