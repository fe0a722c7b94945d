# chooses the signs of the columns of each result by itself, so that the two no longer fit
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    (a, X_S), (b, X_T) = whitened(source, d_S), whitened(target, d_T)
    def positive(x):
        top = x.gather(0, x.abs().argmax(0, keepdim=True))
        return x * torch.where(top < 0, -1.0, 1.0)

    return positive(a @ (X_S.T @ X_T)), positive(b)
