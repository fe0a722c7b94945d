# Σ as a matrix for each image
def guided_mean(x_t, t, mean, log_var, gradient, scale):
    flat = lambda x: x.reshape(len(x), -1)
    sigma = torch.diag_embed(flat(log_var).exp())
    shift = torch.bmm(sigma, flat(gradient(mean, t).detach()).unsqueeze(2)).squeeze(2)
    return mean + scale * shift.reshape(mean.shape)
