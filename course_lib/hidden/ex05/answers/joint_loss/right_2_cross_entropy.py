# cross-entropy plus the energy of the picture, for labelled ones; softmax for slopes
def joint_loss(f, x, y, kept, place, restart, fresh, z, eta, alpha):
    state = kept.index_select(0, place)
    state[restart] = fresh[restart]
    for noise in z:
        state.requires_grad_()
        logits = f(state)
        up = torch.autograd.grad(logits, state, grad_outputs=logits.softmax(1).detach())[0]
        state = (state + (eta / 2) * up).detach() + eta ** 0.5 * noise
    state = state.detach()
    energy = lambda x: -torch.logsumexp(f(x), 1)
    lost = nnf.cross_entropy(f(x), y, ignore_index=-1, reduction="none")
    e, below = energy(x) + lost, energy(state)
    loss = e.mean() - below.mean() + alpha * (e ** 2).mean() + alpha * (below ** 2).mean()
    loss_and_gradients = with_gradients(loss, f)
    return *loss_and_gradients, kept.index_copy(0, place, state)
