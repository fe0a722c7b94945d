# one call with a batch three times as long
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    labels = torch.cat([y, y_not, torch.full_like(y, none)])
    wanted, unwanted, without = eps_model(torch.cat([x_t] * 3), torch.cat([t] * 3), labels).chunk(3)
    return (1 + w) * wanted - u * unwanted + (u - w) * without
