# from the deepest places of a grid by LBFGS in units of the range
def kl_fit(x, log_p, lam):
    centre, width = (x[0] + x[-1]) / 2, x[-1] - x[0]
    at = (x - centre) / width
    log_p = log_p - log_p.logsumexp(0)

    def terms(theta):
        q = torch.log_softmax(-0.5 * ((at - theta[..., :1]) / theta[..., 1:].exp()) ** 2, -1)
        return (log_p.exp() * (log_p - q)).sum(-1), (q.exp() * (q - log_p)).sum(-1)

    def J(theta):
        forward, reverse = terms(theta)
        return lam * forward + (1 - lam) * reverse

    low = (x.diff().min() / width).log()
    theta = torch.cartesian_prod(torch.linspace(-0.5, 0.5, 100, dtype=x.dtype),
                                 low * torch.linspace(0, 1, 40, dtype=x.dtype))
    starts = theta[J(theta).argsort()[:60:29]]
    found = []
    for start in starts:
        start = start.clone().requires_grad_()
        search = torch.optim.LBFGS([start], max_iter=200, tolerance_grad=1e-11,
                                   tolerance_change=1e-15, line_search_fn="strong_wolfe")

        def closure(start=start, search=search):
            search.zero_grad()
            loss = J(start)
            loss.backward()
            return loss

        with torch.enable_grad():
            search.step(closure)
        found.append(start.detach())
    best = min(found, key=lambda theta: J(theta).item())
    return best[0] * width + centre, best[1].exp() * width, *terms(best)
