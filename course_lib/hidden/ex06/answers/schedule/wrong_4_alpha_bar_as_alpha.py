# gives ᾱ_t in the place of α_t, and 1 − ᾱ_t in the place of β_t
def schedule(T, lambda_1, lambda_T):
    alpha_bar = torch.sigmoid(torch.linspace(lambda_1, lambda_T, T, dtype=torch.float64))
    alpha_bar = torch.cat([torch.ones(1, dtype=torch.float64), alpha_bar])
    return 1 - alpha_bar, alpha_bar, alpha_bar
