# the directions of both domains together
def align(source, target, d_S, d_T):
    def whitened(x, d):
        x = x - x.mean(0)
        X = torch.linalg.svd(x, full_matrices=False)[2][:d].T
        return x @ X / (x @ X).std(0), X

    both = torch.cat([source - source.mean(0), target - target.mean(0)])
    rows = torch.linalg.svd(both, full_matrices=False)[2]
    X_S, X_T = rows[:d_S].T, rows[:d_T].T
    a, b = (source - source.mean(0)) @ X_S, (target - target.mean(0)) @ X_T
    a, b = a / a.std(0), b / b.std(0)
    return a @ (X_S.T @ X_T), b
