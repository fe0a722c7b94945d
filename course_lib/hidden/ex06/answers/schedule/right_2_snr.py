# exp of the log-SNR, SNR/(1 + SNR), filled into tables of ones and zeros
def schedule(T, lambda_1, lambda_T):
    steps = torch.arange(T).double() / (T - 1)
    snr = torch.exp(lambda_1 + (lambda_T - lambda_1) * steps)
    alpha_bar, beta = torch.ones(T + 1).double(), torch.zeros(T + 1).double()
    alpha_bar[1:] = snr / (1 + snr)
    beta[1:] = 1 - alpha_bar[1:] / alpha_bar[:-1]
    return beta, 1 - beta, alpha_bar
