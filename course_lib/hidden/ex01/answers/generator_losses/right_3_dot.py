# logaddexp(0, l) for log(1 + exp(l)), a dot product for the sum; the scalars have shape (1,)
def generator_losses(logit_fake, w):
    zero = torch.zeros_like(logit_fake)
    losses = torch.stack([-torch.logaddexp(zero, logit_fake), torch.logaddexp(zero, -logit_fake)])   # (2, batch)
    minimax, non_saturating = (losses @ w / w.sum()).split(1)
    return minimax, non_saturating
