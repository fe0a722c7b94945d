# the alphas of single steps, multiplied over s + 1 … t picture by picture
def jump(x_s, s, t, eps, alpha_bar):
    alpha = alpha_bar[1:] / alpha_bar[:-1]
    pictures = []
    for x, noise, first, last in zip(x_s, eps, s.tolist(), t.tolist()):
        kept = alpha[first:last].prod().item()
        pictures.append(kept ** 0.5 * x + (1 - kept) ** 0.5 * noise)
    return torch.stack(pictures)
