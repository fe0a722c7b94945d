# takes the density of v for that of y, as if nothing had been rescaled
def bits_bound(log_p, x, u, log_q, bits, low, high):
    d = x[0].numel()
    v = low + (high - low) * (x + u) / 2 ** bits
    of_v = log_p(v.flatten(0, 1)).reshape(log_q.shape)
    log_weights = of_v - log_q
    return -(log_weights.logsumexp(0) - math.log(len(u))) / (d * math.log(2))
