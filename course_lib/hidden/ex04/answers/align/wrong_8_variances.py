# divides by variances, not by standard deviations
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).var(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    return a @ (X_S.T @ X_T), b
