# lets the SNR itself fall linearly, where its logarithm does
def schedule(T, lambda_1, lambda_T):
    snr = torch.linspace(math.exp(lambda_1), math.exp(lambda_T), T, dtype=torch.float64)
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), snr / (1 + snr)])
    alpha = torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])
    return 1 - alpha, alpha, alpha_bar
