# torch.optim.SGD over G's parameters, binary_cross_entropy_with_logits with label 1
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        optimizer.zero_grad()
        logit = D(G(z)).flatten()
        F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit)).backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
