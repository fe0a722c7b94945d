# torch.lerp from no class, by 1 + w and by u
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    empty = eps_model(x_t, t, torch.tensor([none] * len(x_t)))
    towards = torch.lerp(empty, eps_model(x_t, t, y), 1 + w)
    away = torch.lerp(empty, eps_model(x_t, t, y_not), u)
    return towards - away + empty
