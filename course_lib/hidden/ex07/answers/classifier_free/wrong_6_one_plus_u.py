# takes 1 + u for the exponent of the unwanted class, as if it were counted like w
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return without + (1 + w) * (wanted - without) - (1 + u) * (unwanted - without)
