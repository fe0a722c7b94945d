# exchanges the wanted class and no class
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return wanted + (1 + w) * (without - wanted) - u * (unwanted - wanted)
