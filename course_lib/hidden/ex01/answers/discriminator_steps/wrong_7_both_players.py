# gives the parameters of both players to one optimiser, so that the generator moves with the discriminator's loss
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD([*D.parameters(), *G.parameters()], lr=lr)
    for x, z in zip(xs, zs):
        logit_real, logit_fake = D(x), D(G(z))
        loss = (F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
                + F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return D.state_dict(), gradient_norm(G)
