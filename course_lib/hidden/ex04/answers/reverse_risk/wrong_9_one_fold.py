# holds out the first fold only, and judges by its points
def reverse_risk(fit, source, labels, target, fold):
    held = fold == fold.unique()[0]
    guessed = fit(source[~held], labels[~held], target, target)
    found, true = fit(target, guessed, source[~held], source[held]), labels[held]
    wrong = (found != true).double()
    return sum(wrong[true == c].mean() for c in true.unique()) / len(true.unique())
