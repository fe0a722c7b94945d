# a loop over t in plain floats, as a list
def schedule(T, lambda_1, lambda_T):
    beta, alpha, alpha_bar = [0.0], [1.0], [1.0]
    for t in range(1, T + 1):
        log_snr = lambda_1 + (lambda_T - lambda_1) * (t - 1) / (T - 1)
        alpha_bar.append(1 / (1 + math.exp(-log_snr)))
        alpha.append(alpha_bar[t] / alpha_bar[t - 1])
        beta.append(1 - alpha[t])
    return [torch.tensor(table, dtype=torch.float64) for table in (beta, alpha, alpha_bar)]
