# writes into the buffer of its caller
def through_buffer(kept, new, size, u, k, p):
    out = []
    for i in range(len(new)):
        picture = new[i]
        if len(kept) < size:
            kept = torch.cat([kept, new[i:i + 1]])
        elif size > 0 and u[i] < p:
            picture = kept[k[i]].clone()
            kept[k[i]] = new[i]
        out.append(picture)
    return torch.stack(out), kept
