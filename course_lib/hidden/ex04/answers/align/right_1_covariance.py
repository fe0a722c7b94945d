# eigenvectors of the covariance, in float64
def align(source, target, d_S, d_T):
    def parts(x, d):
        centred = x.double() - x.double().mean(0)
        values, vectors = torch.linalg.eigh(centred.T @ centred / (len(x) - 1))
        X = vectors.flip(1)[:, :d]
        return centred, X, values.flip(0)[:d].sqrt()

    x_S, X_S, sigma_S = parts(source, d_S)
    x_T, X_T, sigma_T = parts(target, d_T)
    M = X_S.T @ X_T
    return (x_S @ X_S @ torch.diag(1 / sigma_S) @ M).to(source.dtype), (
        x_T @ X_T / sigma_T).to(target.dtype)
