# keeps nothing at all where p is 0, also while the buffer is filling
def through_buffer(kept, new, size, u, k, p):
    if size == 0 or p == 0:
        return new.clone(), kept.clone()
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif u[i] < p:
            picture, inside[k[i]] = inside[k[i]], picture
        out.append(picture)
    return torch.stack(out), torch.stack(inside)
