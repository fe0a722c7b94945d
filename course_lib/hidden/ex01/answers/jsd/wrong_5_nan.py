# takes log m also where p and g are both 0, and 0 · (−∞) is NaN
def jsd(p, g, pi):
    log_m = (pi * p + (1 - pi) * g).log()
    kl_p = F.kl_div(log_m, p, reduction="none").sum(-1)
    kl_g = F.kl_div(log_m, g, reduction="none").sum(-1)
    upper = -pi * math.log(pi) - (1 - pi) * math.log(1 - pi)
    return pi * kl_p + (1 - pi) * kl_g, 0.0, upper
