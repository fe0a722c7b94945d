# detaches the fakes, so that no gradient reaches the generator and it stays as it was
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        logit = D(G(z).detach())
        loss = F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
