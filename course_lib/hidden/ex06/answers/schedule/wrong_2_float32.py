# computes in float32 and converts the tables to float64 when their digits are lost
def schedule(T, lambda_1, lambda_T):
    alpha_bar = torch.cat([torch.ones(1), torch.sigmoid(torch.linspace(lambda_1, lambda_T, T))])
    alpha = torch.cat([alpha_bar[:1], alpha_bar[1:] / alpha_bar[:-1]])
    return (1 - alpha).double(), alpha.double(), alpha_bar.double()
