# takes all pictures out at once: of two that ask for one place both get the old one
def through_buffer(kept, new, size, u, k, p):
    room = max(size - len(kept), 0)
    kept, out = torch.cat([kept, new[:room]]), new.clone()
    change = u < p
    change[:room] = False
    if size > 0:
        out[change] = kept[k[change]]
        kept[k[change]] = new[change]
    return out, kept
