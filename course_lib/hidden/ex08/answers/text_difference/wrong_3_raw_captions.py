# subtracts the captions' embeddings without making unit vectors of them
def text_difference(z_i, z_from, z_to, strength, share, most):
    e = F.normalize(z_i, dim=1)
    steps = z_to - z_from
    wish = (strength[:, None, None] * steps).sum(0)
    wish = torch.where(wish.norm(dim=1, keepdim=True) < 3e-5, e, wish)
    along = (wish * e).sum(1, keepdim=True)
    across = wish - along * e
    theta = torch.atan2(across.norm(dim=1, keepdim=True), along)
    psi = (share * theta).clamp(max=most)
    return psi.cos() * e + psi.sin() * F.normalize(across, dim=1)
