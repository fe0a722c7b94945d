# puts the new picture into the buffer, but lets it come out as well
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif size > 0 and u[i] < p:
            inside[k[i]] = picture
        out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept
