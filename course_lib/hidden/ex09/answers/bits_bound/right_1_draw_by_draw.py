# draw by draw, with a running logaddexp
def bits_bound(log_p, x, u, log_q, bits, low, high):
    n, d = len(x), x[0].numel()
    total = torch.full((n,), -math.inf, dtype=u.dtype)
    for noise, of_noise in zip(u, log_q):
        v = (x.to(u.dtype) + noise) * ((high - low) / 2 ** bits) + low
        total = torch.logaddexp(total, log_p(v) - of_noise)
    nats = math.log(len(u)) - total
    return nats / (d * math.log(2)) + bits - math.log2(high - low)
