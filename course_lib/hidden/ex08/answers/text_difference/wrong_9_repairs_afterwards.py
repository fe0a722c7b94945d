# repairs the rows without a wish at the end: the result is right, and gradients are NaN
def text_difference(z_i, z_from, z_to, strength, share, most):
    e = F.normalize(z_i, dim=1)
    steps = F.normalize(z_to, dim=2) - F.normalize(z_from, dim=2)
    wish = (strength[:, None, None] * steps).sum(0)
    still = wish.norm(dim=1, keepdim=True) < 3e-5
    wish = wish / wish.norm(dim=1, keepdim=True)
    along = (wish * e).sum(1, keepdim=True)
    across = wish - along * e
    theta = torch.atan2(across.norm(dim=1, keepdim=True), along)
    psi = (share * theta).clamp(max=most)
    turned = psi.cos() * e + psi.sin() * F.normalize(across, dim=1)
    return torch.where(still, e, turned)
