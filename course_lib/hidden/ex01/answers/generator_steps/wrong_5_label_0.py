# gives the fakes the label 0, which is the discriminator's loss: the generator learns to be found out
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        logit = D(G(z))
        loss = F.binary_cross_entropy_with_logits(logit, torch.zeros_like(logit))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
