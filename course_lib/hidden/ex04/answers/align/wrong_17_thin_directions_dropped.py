# drops directions whose deviation is below 1e-4 of the largest
def align(source, target, d_S, d_T):
    def pca(x, d):
        c = x - x.mean(0)
        U, S, Vh = torch.linalg.svd(c, full_matrices=False)
        return c, Vh[:d].T, S[:d] / (len(x) - 1) ** 0.5
    cs, X_S, sd_S = pca(source, d_S)
    ct, X_T, sd_T = pca(target, d_T)
    M = X_S.T @ X_T
    a = cs @ X_S * torch.where(sd_S > 1e-4 * sd_S[0], 1 / sd_S, 0) @ M
    b = ct @ X_T * torch.where(sd_T > 1e-4 * sd_T[0], 1 / sd_T, 0)
    return a, b
