# always takes the oldest picture out, and appends the new one
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif size > 0 and u[i] < p:
            inside.append(picture)
            picture = inside.pop(0)
        out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept
