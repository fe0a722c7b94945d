# code by code, in float64 on the way
def ascent_step(G, phi, h, unit, v, eta, mu):
    rows = []
    for i in range(len(h)):
        with torch.enable_grad():
            code = h[i:i + 1].clone().detach().requires_grad_(True)
            g = torch.autograd.grad(phi(G(code))[0, unit[i]], code)[0][0].double()
        rms = g.pow(2).mean().sqrt()
        rows.append((g / rms if rms > 0 else g).to(h.dtype))
    v = torch.stack(rows).add(v, alpha=mu)
    return torch.add(h, v, alpha=eta), v
