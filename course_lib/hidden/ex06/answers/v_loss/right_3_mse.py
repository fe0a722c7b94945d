# mse_loss with a sum, divided by the batch; v from x_t and x_0; gradients by backward
def v_loss(net, x_0, t, eps, alpha_bar):
    signal, noise = alpha_bar[t].sqrt().float().view(-1, 1), (1 - alpha_bar[t]).sqrt().float().view(-1, 1)
    x_t = signal * x_0 + noise * eps
    v = (signal * x_t - x_0) / noise
    loss = torch.nn.functional.mse_loss(net(x_t, t), v, reduction="sum") / t.numel()
    net.zero_grad()
    loss.backward()
    return loss.item(), {name: weight.grad for name, weight in net.named_parameters()}
