# M is left out: projects the source on the target's directions and whitens there
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    a = (source - source.mean(0)) @ X_T
    return a / a.std(0), b
