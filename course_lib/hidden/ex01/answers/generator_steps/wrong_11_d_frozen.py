# switches off requires_grad in D and leaves it so, and D can never learn again
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    D.requires_grad_(False)
    for z in zs:
        loss = -F.logsigmoid(D(G(z))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
