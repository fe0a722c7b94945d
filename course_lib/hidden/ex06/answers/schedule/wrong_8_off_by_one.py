# divides the wrong neighbours: its α_t takes ᾱ from t to t + 1
def schedule(T, lambda_1, lambda_T):
    alpha_bar = torch.sigmoid(torch.linspace(lambda_1, lambda_T, T, dtype=torch.float64))
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar])
    alpha = torch.cat([alpha_bar[1:] / alpha_bar[:-1], alpha_bar[:1]])
    return 1 - alpha, alpha, alpha_bar
