# all the ways there first, then all the ways back; counts with bincount
def reverse_risk(fit, source, labels, target, fold):
    classes, y = labels.unique(return_inverse=True)
    folds = sorted(set(fold.tolist()))
    parts = [((fold != k).nonzero()[:, 0], (fold == k).nonzero()[:, 0]) for k in folds]
    guesses = [fit(x=source[rest], y=labels[rest], other=target, new=target) for rest, _ in parts]
    wrong = torch.zeros(len(classes), dtype=torch.float64)
    for (rest, held), guess in zip(parts, guesses):
        found = fit(target, guess, other=source[rest], new=source[held])
        wrong += torch.bincount(y[held][found != labels[held]], minlength=len(classes))
    return (wrong / torch.bincount(y, minlength=len(classes))).mean().item()
