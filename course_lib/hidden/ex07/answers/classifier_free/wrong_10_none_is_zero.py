# takes a `none` of 0 for a missing one: `none or 10` is 10 there
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    wanted, unwanted, without = (eps_model(x_t, t, label)
                                 for label in (y, y_not, torch.full_like(y, none or 10)))
    return without + (1 + w) * (wanted - without) - u * (unwanted - without)
