# group by group, pixels in rows, codes by F.embedding
def quantise(z, codebooks, w, beta):
    n, C, H, W = z.shape
    d, images, numbers, loss = codebooks.shape[2], [], [], 0.0
    for g, codes in enumerate(codebooks):
        rows = z[:, g * d:(g + 1) * d].permute(0, 2, 3, 1).reshape(-1, d)
        with torch.no_grad():
            k = (rows[:, None] - codes).pow(2).sum(2).min(1).indices
        q = torch.nn.functional.embedding(k, codes)
        for_codes = (q - rows.detach()).pow(2).sum() / len(rows)
        for_z = (rows - q.detach()).pow(2).sum() / len(rows)
        loss = loss + w[g] * (for_codes + beta * for_z)
        images.append(q.reshape(n, H, W, d).permute(0, 3, 1, 2))
        numbers.append(k.reshape(n, H, W))
    q = torch.cat(images, 1).detach()
    return q + (z - z.detach()), torch.stack(numbers, 1), loss
