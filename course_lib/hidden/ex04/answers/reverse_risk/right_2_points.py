# point by point, in lists and with fractions
def reverse_risk(fit, source, labels, target, fold):
    from fractions import Fraction
    pairs = []
    for k in dict.fromkeys(fold.tolist()):
        rest = [i for i, f in enumerate(fold.tolist()) if f != k]
        held = [i for i, f in enumerate(fold.tolist()) if f == k]
        told = fit(source[rest], labels[rest], target, target)
        pairs += zip(labels[held].tolist(), fit(target, told, source[rest], source[held]).tolist())
    shares = []
    for c in {true for true, _ in pairs}:
        answers = [found for true, found in pairs if true == c]
        shares.append(Fraction(sum(found != c for found in answers), len(answers)))
    return torch.tensor([float(sum(shares) / len(shares))])
