# divides the source by its deviations after the turn by M, not before
def align(source, target, d_S, d_T):
    def directions(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X, X

    (a, X_S), (b, X_T) = directions(source, d_S), directions(target, d_T)
    a = a @ (X_S.T @ X_T)
    return a / a.std(0).clamp(min=1e-12), b / b.std(0)
