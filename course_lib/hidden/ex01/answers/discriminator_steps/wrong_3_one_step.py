# adds the losses of all minibatches and takes one step where each minibatch takes its own
def discriminator_steps(D, G, xs, zs, lr, a):
    optimizer = torch.optim.SGD(D.parameters(), lr=lr)
    optimizer.zero_grad()
    for x, z in zip(xs, zs):
        logit_real, logit_fake = D(x), D(G(z).detach())
        loss = (F.binary_cross_entropy_with_logits(logit_real, torch.full_like(logit_real, a))
                + F.binary_cross_entropy_with_logits(logit_fake, torch.zeros_like(logit_fake)))
        loss.backward()
    optimizer.step()
    return D.state_dict(), gradient_norm(G)
