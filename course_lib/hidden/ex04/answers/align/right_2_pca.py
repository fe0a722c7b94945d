# scikit-learn's PCA, which whitens by itself, and NumPy's least squares
def align(source, target, d_S, d_T):
    import numpy as np
    from sklearn.decomposition import PCA

    def fitted(x, d):
        pca = PCA(d, whiten=True, svd_solver="full")
        return pca.fit_transform(x.double().numpy()), pca.components_.T

    (a, X_S), (b, X_T) = fitted(source, d_S), fitted(target, d_T)
    M = np.linalg.lstsq(X_S, X_T, rcond=None)[0]
    return torch.from_numpy(a @ M).to(source.dtype), torch.from_numpy(b).to(target.dtype)
