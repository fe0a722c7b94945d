# mse_loss with a sum, divided by the batch; v from x_t and x_0 in float64; backward on a copy
from copy import deepcopy
def v_loss(net, x_0, t, eps, alpha_bar):
    signal, noise = alpha_bar[t].sqrt().view(-1, 1), (1 - alpha_bar[t]).sqrt().view(-1, 1)
    x_t = signal * x_0 + noise * eps
    v = (signal * x_t - x_0) / noise
    copy = deepcopy(net)
    copy.zero_grad()
    loss = torch.nn.functional.mse_loss(copy(x_t.float(), t), v.float(), reduction="sum") / t.numel()
    loss.backward()
    return loss.item(), {name: weight.grad for name, weight in copy.named_parameters()}
