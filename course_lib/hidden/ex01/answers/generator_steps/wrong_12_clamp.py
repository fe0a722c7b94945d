# clamps the logit at -300, and so has no gradient where D is surest
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        loss = F.softplus(-D(G(z)).clamp(min=-300)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
