# rows of a clone that are overwritten, and clones that come out
def through_buffer(kept, new, size, u, k, p):
    kept, out = kept.clone(), new.clone()
    for i in range(len(new)):
        if kept.shape[0] < size:
            kept = torch.cat([kept, new[i:i + 1]])
        elif size and u[i].item() < p:
            out[i] = kept[k[i]].clone()
            kept[k[i]] = new[i]
    return out, kept
