# takes w for the exponent where 1 + w belongs, so that w = 0 ignores the class
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return without + w * (wanted - without) - u * (unwanted - without)
