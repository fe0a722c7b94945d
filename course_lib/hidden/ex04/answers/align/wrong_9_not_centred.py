# directions of points whose mean was not taken off
def align(source, target, d_S, d_T):
    def whitened(x, d):
        mean = x.mean(0)
        x = x - mean
        X = torch.linalg.svd(x + mean, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    return a @ (X_S.T @ X_T), b
