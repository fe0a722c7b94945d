# a hook on a copy of x, and a double-precision length
def reversal(x, lam, most):
    result = x.clone()
    if result.requires_grad:
        def turn(g):
            wide = tuple(range(1, g.ndim))
            length = g.double().square().sum(wide, keepdim=True).sqrt() if wide else g.double().abs()
            share = torch.where(length > most, most / length, 1.0)
            return (-lam.view(-1, *[1] * len(wide)) * share * g).to(g.dtype)
        result.register_hook(turn)
    return result
