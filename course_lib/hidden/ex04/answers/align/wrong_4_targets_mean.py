# takes the target's mean off the source, not the source's own
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    X = torch.linalg.svd(source - source.mean(0), full_matrices=False)[2][:d_S].T
    a = (source - target.mean(0)) @ X / ((source - source.mean(0)) @ X).std(0)
    X_S = X
    return a @ (X_S.T @ X_T), b
