# row by row, in a plane found by Gram and Schmidt
def text_difference(z_i, z_from, z_to, strength, share, most):
    rows = []
    for j in range(len(z_i)):
        e = z_i[j] / z_i[j].norm()
        wish = sum(a * (p[j] / p[j].norm() - q[j] / q[j].norm())
                   for a, p, q in zip(strength, z_to, z_from))
        if wish.norm() < 3e-5:
            rows.append(e)
            continue
        wish = wish / wish.norm()
        across = wish - (wish @ e) * e
        across = across - (across @ e) * e
        if across.norm() < 1e-12:
            rows.append(e)
            continue
        theta = torch.atan2(across.norm(), wish @ e)
        psi = torch.clamp(share * theta, max=most)
        rows.append(torch.cos(psi) * e + torch.sin(psi) * across / across.norm())
    return torch.stack(rows)
