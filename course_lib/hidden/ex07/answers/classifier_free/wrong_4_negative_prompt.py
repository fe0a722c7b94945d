# puts the unwanted class in the place of no class, as programs with a "negative prompt" do
def classifier_free(eps_model, x_t, t, y, y_not, none, w, u):
    nobody = torch.full_like(y, none)
    wanted, unwanted, without = (eps_model(x_t, t, label) for label in (y, y_not, nobody))
    return unwanted + (1 + w) * (wanted - unwanted)
