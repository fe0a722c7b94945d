# the lecture's: coordinates are not divided by their deviations
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X, X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    return a @ (X_S.T @ X_T), b
