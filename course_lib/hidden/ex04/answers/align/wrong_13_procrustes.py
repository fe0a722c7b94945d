# M is made orthogonal: a rotation in place of the least squares
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    U, _, V = torch.linalg.svd(X_S.T @ X_T, full_matrices=False)
    return a @ (U @ V), b
