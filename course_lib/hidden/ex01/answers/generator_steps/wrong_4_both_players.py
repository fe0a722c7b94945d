# gives the parameters of both players to the optimiser, so that D helps the generator to fool it
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(list(G.parameters()) + list(D.parameters()), lr=lr)
    for z in zs:
        logit = D(G(z))
        loss = F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
