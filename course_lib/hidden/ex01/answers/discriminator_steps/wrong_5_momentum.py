# gives SGD a momentum, so that from the second step on it also moves along older gradients
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr, momentum=0.9)
    for x, z in zip(xs, zs):
        logit_real, logit_fake = D(x), D(G(z).detach())
        loss = (F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
                + F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return D.state_dict(), gradient_norm(G)
