# switches off requires_grad in G and leaves it so, and G can never learn again
def discriminator_steps(D, G, xs, zs, lr, a):
    cross_entropy = F.binary_cross_entropy_with_logits
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    G.requires_grad_(False)
    for x, z in zip(xs, zs):
        real, fake = D(x), D(G(z))
        loss = (cross_entropy(real, torch.full_like(real, a))
                + cross_entropy(fake, torch.zeros_like(fake)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return D.state_dict(), gradient_norm(G)
