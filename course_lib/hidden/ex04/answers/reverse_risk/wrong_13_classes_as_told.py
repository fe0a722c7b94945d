# shares of the classes that were told, not of those that are true
def reverse_risk(fit, source, labels, target, fold):
    found = torch.zeros_like(labels)
    for k in fold.unique():
        held = fold == k
        guessed = fit(source[~held], labels[~held], target, target)
        found[held] = fit(target, guessed, source[~held], source[held])
    wrong = (found != labels).double()
    return sum(wrong[found == c].mean() for c in found.unique()) / len(found.unique())
