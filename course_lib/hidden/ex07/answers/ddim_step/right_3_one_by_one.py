# one image after the other, in Python's own numbers
def ddim_step(v, x_t, alpha_bar, t, s, sigma, z):
    images = []
    for i in range(len(x_t)):
        a, b, sig = alpha_bar[t[i]].item(), alpha_bar[s[i]].item(), sigma[i].item()
        x_0 = math.sqrt(a) * x_t[i] - math.sqrt(1 - a) * v[i]
        eps = math.sqrt(1 - a) * x_t[i] + math.sqrt(a) * v[i]
        images.append(math.sqrt(b) * x_0 + math.sqrt(max(1 - b - sig ** 2, 0)) * eps + sig * z[i])
    return torch.stack(images)
