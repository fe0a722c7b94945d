# by Newton steps in mu and log sigma from the best point of a finer grid
def kl_fit(x, log_p, lam):
    p = torch.log_softmax(log_p, 0)
    unit, zero = x[-1] - x[0], x[0]
    at = (x - zero) / unit

    def both(theta):
        q = torch.log_softmax(-((at - theta[..., 0:1]) * (-theta[..., 1:2]).exp()) ** 2 / 2, -1)
        return torch.stack([(p.exp() * (p - q)).sum(-1), (q.exp() * (q - p)).sum(-1)])

    J = lambda theta: (torch.tensor([lam, 1 - lam], dtype=x.dtype) @ both(theta).reshape(2, -1))
    grid = torch.cartesian_prod(torch.linspace(0, 1, 101, dtype=x.dtype),
                                torch.linspace(at.diff().min().log().item(), 0, 61,
                                               dtype=x.dtype))
    theta = grid[J(grid).argmin()]
    for _ in range(25):
        slope = torch.autograd.functional.jacobian(lambda t: J(t)[0], theta)
        bend = torch.autograd.functional.hessian(lambda t: J(t)[0], theta)
        values, ways = torch.linalg.eigh(bend)
        step = ways @ ((ways.T @ slope) / values.abs().clamp(min=1e-6))
        share = 1.0
        while J(theta - share * step) > J(theta) and share > 1e-6:
            share = share / 2
        theta = theta - share * step
    forward, reverse = both(theta)
    return theta[0] * unit + zero, theta[1].exp() * unit, forward, reverse
