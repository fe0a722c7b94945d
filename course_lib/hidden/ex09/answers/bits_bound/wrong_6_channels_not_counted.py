# counts pixels and not their channels in d
def bits_bound(log_p, x, u, log_q, bits, low, high):
    d = x[0, 0].numel()
    v = low + (high - low) * (x + u) / 2 ** bits
    of_v = log_p(v.flatten(0, 1)).reshape(log_q.shape)
    log_weights = of_v + d * math.log((high - low) / 2 ** bits) - log_q
    return -(log_weights.logsumexp(0) - math.log(len(u))) / (d * math.log(2))
