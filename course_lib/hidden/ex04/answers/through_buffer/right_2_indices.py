# keeps the numbers of pictures, and looks them up in the end
def through_buffer(kept, new, size, u, k, p):
    every = torch.cat([kept, new])
    inside, out = [*range(len(kept))], []
    for i, (chance, place) in enumerate(zip(u.tolist(), k.tolist())):
        number = len(kept) + i
        if len(inside) < size:
            inside.append(number)
        elif size and chance < float(torch.tensor(p, dtype=u.dtype)):
            inside[place], number = number, inside[place]
        out.append(number)
    return every[out], every[inside] if inside else every[:0]
