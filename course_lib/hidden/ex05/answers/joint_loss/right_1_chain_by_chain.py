# picture by picture and chain by chain
def joint_loss(f, x, y, kept, place, restart, fresh, z, eta, alpha):
    E = lambda picture: -torch.logsumexp(f(picture[None])[0], 0)
    rows, ends = list(kept), []
    for j, at in enumerate(place.tolist()):
        state = fresh[j] if restart[j] else kept[at]
        for t in range(len(z)):
            state = state.detach().clone().requires_grad_(True)
            with torch.enable_grad():
                slope = torch.autograd.grad(E(state), state)[0]
            state = state.detach() - 0.5 * eta * slope + eta ** 0.5 * z[t, j]
        rows[at] = state
        ends.append(E(state))
    data = [E(x[i]) if y[i] == -1 else -f(x[i:i + 1])[0, y[i]] for i in range(len(x))]
    data, ends = torch.stack(data), torch.stack(ends)
    loss = data.mean() - ends.mean() + alpha * (data.pow(2).mean() + ends.pow(2).mean())
    return *with_gradients(loss, f), torch.stack(rows)
