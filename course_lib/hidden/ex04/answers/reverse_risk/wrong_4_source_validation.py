# validation on the source alone: the target is not learned from
def reverse_risk(fit, source, labels, target, fold):
    found = torch.zeros_like(labels)
    for k in fold.unique():
        held = fold == k
        
        found[held] = fit(source[~held], labels[~held], source[held], source[held])
    wrong = (found != labels).double()
    return sum(wrong[labels == c].mean() for c in labels.unique()) / len(labels.unique())
