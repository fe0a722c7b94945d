# gives the answer without a class where y is none, and forgets the unwanted class there
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    wanted, unwanted, without = (eps_model(x_t, t, label)
                                 for label in (y, y_not, torch.full_like(y, none)))
    plain = (y == none).reshape(-1, *[1] * (x_t.ndim - 1))
    guided = without + (1 + w) * (wanted - without) - u * (unwanted - without)
    return torch.where(plain, without, guided)
