# picture by picture, with an if for t = 1
def ancestral_step(x_t, v, t, z, alpha_bar, share):
    out = []
    for x, direction, noise, k in zip(x_t, v, z, t.tolist()):
        now, before = alpha_bar[k].item(), alpha_bar[k - 1].item()
        x_0 = now ** 0.5 * x - (1 - now) ** 0.5 * direction
        if k == 1:
            out.append(x_0)
            continue
        beta = 1 - now / before
        tilde = beta * (1 - before) / (1 - now)
        mean = (before ** 0.5 * beta * x_0 + (1 - beta) ** 0.5 * (1 - before) * x) / (1 - now)
        out.append(mean + math.exp(0.5 * (share * math.log(beta) + (1 - share) * math.log(tilde))) * noise)
    return torch.stack(out)
