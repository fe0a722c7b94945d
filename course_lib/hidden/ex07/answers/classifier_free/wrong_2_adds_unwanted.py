# has the sign of the unwanted class wrong, and pulls towards it
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return without + (1 + w) * (wanted - without) + u * (unwanted - without)
