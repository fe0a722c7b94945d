# torch.optim.SGD, detached fakes, binary_cross_entropy_with_logits
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    for x, z in zip(xs, zs):
        logit_real = D(x).flatten()
        logit_fake = D(G(z).detach()).flatten()
        loss = (F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
                + F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return D.state_dict(), gradient_norm(G)
