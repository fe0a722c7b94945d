# in logarithms to base 2, with the largest weight taken out
def bits_bound(log_p, x, u, log_q, bits, low, high):
    K, n = log_q.shape
    d = x[0].numel()
    scale = (high - low) / 2 ** bits
    v = low + scale * (x[None] + u)
    table = torch.stack([log_p(image) for image in v.transpose(0, 1)], 1)
    t = (table - log_q) / math.log(2)
    top = t.amax(0)
    safe = torch.where(top == -math.inf, 0.0, top)
    mean = torch.exp2(t - safe).sum(0) / K
    return -(safe + torch.log2(mean)) / d - math.log2(scale)
