# leaves out index 0, so that the tables have T entries
def schedule(T, lambda_1, lambda_T):
    alpha_bar = torch.sigmoid(torch.linspace(lambda_1, lambda_T, T, dtype=torch.float64))
    alpha = torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])
    return 1 - alpha, alpha, alpha_bar
