# lets chance decide already while the buffer fills
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size and u[i] < p:
            inside.append(picture)
        elif len(inside) == size > 0 and u[i] < p:
            picture, inside[k[i]] = inside[k[i]], picture
        out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept
