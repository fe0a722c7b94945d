# cuts both minibatches to the shorter one's length
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    for x, z in zip(xs, zs):
        n = min(len(x), len(z))
        r, f = D(x[:n]), D(G(z[:n]).detach())
        loss = F.binary_cross_entropy_with_logits(r, torch.full_like(r, a)) + F.binary_cross_entropy_with_logits(f, torch.zeros_like(f))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return D.state_dict(), gradient_norm(G)
