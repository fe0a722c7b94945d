# beta kept above 1e-7, "for stability": small steps are made larger
def schedule(T, lambda_1, lambda_T):
    lam = torch.linspace(lambda_1, lambda_T, T, dtype=torch.float64)
    one = torch.ones(1, dtype=torch.float64)
    alpha_bar = torch.cat([one, torch.sigmoid(lam)])
    alpha = torch.cat([one, alpha_bar[1:] / alpha_bar[:-1]])
    beta = 1 - alpha
    beta = torch.cat([beta[:1], beta[1:].clamp(min=1e-7)])
    return beta, alpha, alpha_bar
