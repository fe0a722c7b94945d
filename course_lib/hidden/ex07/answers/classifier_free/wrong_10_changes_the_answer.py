# changes what the network returned in place, which is x_t itself where the network returns its input
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    wanted, unwanted, without = (eps_model(x_t, t, label)
                                 for label in (y, y_not, torch.full_like(y, none)))
    wanted -= without
    unwanted -= without
    return without + (1 + w) * wanted - u * unwanted
