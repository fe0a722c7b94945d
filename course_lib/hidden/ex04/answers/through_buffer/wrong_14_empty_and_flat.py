# returns a flat table for what a buffer of size 0 keeps, which has lost the shape of a picture
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif size > 0 and u[i] < p:
            picture, inside[k[i]] = inside[k[i]], picture
        out.append(picture)
    none = new.new_zeros(0, new[0].numel())
    return torch.stack(out), torch.stack(inside) if inside else none
