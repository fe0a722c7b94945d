# Ho & Salimans' form, and the other class after it
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nothing = torch.zeros_like(t) + none
    e = eps_model(x_t, t, y)
    e_0 = eps_model(x_t, t, nothing)
    return (1 + w) * e - w * e_0 - u * (eps_model(x_t, t, y_not) - e_0)
