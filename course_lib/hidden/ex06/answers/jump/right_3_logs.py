# in logs, with expm1 for the variance, and the batch moved to the end for broadcasting
def jump(x_s, s, t, eps, alpha_bar):
    log_kept = alpha_bar.log()[t] - alpha_bar.log()[s]
    mean = (x_s.double().movedim(0, -1) * torch.exp(log_kept / 2)).movedim(-1, 0)
    noise = (eps.double().movedim(0, -1) * torch.sqrt(-torch.expm1(log_kept))).movedim(-1, 0)
    return (mean + noise).to(x_s.dtype)
