# replaces the first picture that equals the one that comes out, not the one at place k
def through_buffer(kept, new, size, u, k, p):
    inside, out = list(kept), []
    for i, picture in enumerate(new):
        if len(inside) < size:
            inside.append(picture)
        elif size and u[i] < p:
            old = inside[k[i]]
            place = next(j for j, other in enumerate(inside) if torch.equal(other, old))
            inside[place] = picture
            picture = old
        out.append(picture)
    return torch.stack(out), torch.stack(inside) if inside else kept
