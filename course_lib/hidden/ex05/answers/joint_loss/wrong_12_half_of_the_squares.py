# only the data's energies are kept near 0
def joint_loss(f, x, y, kept, place, restart, fresh, z, eta, alpha):
    anew = restart.view(-1, *[1] * (x.ndim - 1))
    end = torch.where(anew, fresh, kept[place])
    for noise in z:
        end = end.detach().requires_grad_()
        slope, = torch.autograd.grad(-f(end).logsumexp(1).sum(), end)
        end = end - eta / 2 * slope + math.sqrt(eta) * noise
    end = end.detach()
    after = kept.clone()
    after[place] = end
    logits = f(x)
    of_label = logits.gather(1, y.clamp(min=0)[:, None])[:, 0]
    e = -torch.where(y < 0, logits.logsumexp(1), of_label)
    e_end = -f(end).logsumexp(1)
    loss = e.mean() - e_end.mean() + alpha * e.square().mean()
    value, gradients = with_gradients(loss, f)
    return value, gradients, after
