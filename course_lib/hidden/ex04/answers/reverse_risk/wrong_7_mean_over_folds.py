# the mean over folds of the risks of each fold
def reverse_risk(fit, source, labels, target, fold):
    risks = []
    for k in fold.unique():
        held = fold == k
        guessed = fit(source[~held], labels[~held], target, target)
        found, true = fit(target, guessed, source[~held], source[held]), labels[held]
        wrong = (found != true).double()
        risks.append(torch.stack([wrong[true == c].mean() for c in true.unique()]).mean())
    return torch.stack(risks).mean()
