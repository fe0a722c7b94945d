# sets gradients to zero after the step only, so those that lay in D before enter the first step
def discriminator_steps(D, G, xs, zs, lr, a):
    cross_entropy = F.binary_cross_entropy_with_logits
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    for x, z in zip(xs, zs):
        real, fake = D(x), D(G(z).detach())
        loss = (cross_entropy(real, torch.full_like(real, a))
                + cross_entropy(fake, torch.zeros_like(fake)))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return D.state_dict(), gradient_norm(G)
