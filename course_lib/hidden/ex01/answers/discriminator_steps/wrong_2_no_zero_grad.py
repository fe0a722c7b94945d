# never sets the gradients to zero: the second step also takes the gradient of the first
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    for x, z in zip(xs, zs):
        logit_real, logit_fake = D(x), D(G(z).detach())
        loss = (F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
                + F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake)))
        loss.backward()
        optimizer.step()
    return D.state_dict(), gradient_norm(G)
