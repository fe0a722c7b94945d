# asks the network twice about "no class", which makes each step a third dearer
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    score = lambda label: eps_model(x_t, t, label) - eps_model(x_t, t, torch.full_like(y, none))
    return eps_model(x_t, t, y) + w * score(y) - u * score(y_not)
