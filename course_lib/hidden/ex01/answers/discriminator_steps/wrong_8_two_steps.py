# takes one step on the real pictures and another on the fakes where one step on the sum of both belongs
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    for x, z in zip(xs, zs):
        for pictures, label in ((x, a), (G(z).detach(), 0.0)):
            logit = D(pictures)
            loss = F.binary_cross_entropy_with_logits(logit, torch.full_like(logit, label))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return D.state_dict(), gradient_norm(G)
