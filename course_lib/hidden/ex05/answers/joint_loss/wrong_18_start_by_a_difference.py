# begins at kept + restart (fresh - kept), where a fresh start loses digits beside a chain far away
def joint_loss(f, x, y, kept, place, restart, fresh, z, eta, alpha):
    E = lambda x: -f(x).logsumexp(1)
    one = [1] * (x.ndim - 1)
    state = kept[place] + restart.view(-1, *one).to(x.dtype) * (fresh - kept[place])
    for noise in z:
        state = state.detach().requires_grad_()
        slope = torch.autograd.grad(E(state).sum(), state)[0]
        state = state - eta / 2 * slope + eta**0.5 * noise
    end = state.detach()
    logits = f(x)
    own = logits.gather(1, y.clamp(min=0)[:, None])[:, 0]
    e = torch.where(y < 0, -logits.logsumexp(1), -own)
    e_end = E(end)
    loss = e.mean() - e_end.mean() + alpha * (e.square().mean() + e_end.square().mean())
    after = kept.clone()
    after[place] = end
    value, gradients = with_gradients(loss, f)
    return value, gradients, after
