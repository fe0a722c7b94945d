# starts the log-SNR at index 0, which stands for no noise, where it starts at t = 1
def schedule(T, lambda_1, lambda_T):
    alpha_bar = torch.sigmoid(torch.linspace(lambda_1, lambda_T, T + 1, dtype=torch.float64))
    alpha = torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])
    return 1 - alpha, alpha, alpha_bar
