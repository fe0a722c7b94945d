# divides by 1 + exp(..): where exp overflows the value is still right, but its gradient is 0 · ∞ = NaN
def optimal_discriminator(log_p, log_g, pi):
    ratio = torch.exp(log_g - log_p)
    return 1 / (1 + (1 - pi) / pi * ratio)
