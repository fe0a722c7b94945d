# stacks both levels and takes logsumexp, picture by picture
def free_energy(v, W, b, c, lo, hi, T):
    F = []
    for row in v.reshape(len(v), -1):
        x = c + W.T @ row
        F.append(-(b * row).sum() - T * torch.stack([lo * x / T, hi * x / T]).logsumexp(0).sum())
    return torch.stack(F)
