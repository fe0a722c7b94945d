# writes what it finds into the labels that it was given
def reverse_risk(fit, source, labels, target, fold):
    true, found = labels.clone(), labels
    for k in fold.unique():
        held = fold == k
        guessed = fit(source[~held], labels[~held], target, target)
        found[held] = fit(target, guessed, source[~held], source[held])
    wrong = (found != true).double()
    return sum(wrong[true == c].mean() for c in true.unique()) / len(true.unique())
