# changes places where u is at least p, not where it is below
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif size > 0 and u[i] >= p:
            picture, inside[k[i]] = inside[k[i]], picture
        out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept
