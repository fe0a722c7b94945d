# torch.func's gradient, and a norm of what was divided by its largest number
def ascent_step(G, phi, h, unit, v, eta, mu):
    with torch.no_grad():
        climbed = lambda h: phi(G(h))[torch.arange(len(h)), unit].sum()
        flat = torch.func.grad(climbed)(h).flatten(1)
        flat = flat / flat.abs().max(1, keepdim=True).values.where(flat.any(1, keepdim=True), 1.0)
        length = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
        unit_step = flat / length.where(length > 0, 1.0) * flat.shape[1] ** 0.5
        v = mu * v + unit_step.view_as(h)
        return h + eta * v, v
