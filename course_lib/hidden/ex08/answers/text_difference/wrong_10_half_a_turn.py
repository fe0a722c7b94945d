# takes the angle of the part across by asin, which sees no angle above 90 degrees
def text_difference(z_i, z_from, z_to, strength, share, most):
    e = F.normalize(z_i, dim=1)
    steps = F.normalize(z_to, dim=2) - F.normalize(z_from, dim=2)
    wish = (strength[:, None, None] * steps).sum(0)
    wish = torch.where(wish.norm(dim=1, keepdim=True) < 3e-5, e, wish)
    along = (wish * e).sum(1, keepdim=True)
    across = wish - along * e
    theta = torch.asin((across.norm(dim=1, keepdim=True) / wish.norm(dim=1, keepdim=True)).clamp(max=1))
    psi = (share * theta).clamp(max=most)
    return psi.cos() * e + psi.sin() * F.normalize(across, dim=1)
