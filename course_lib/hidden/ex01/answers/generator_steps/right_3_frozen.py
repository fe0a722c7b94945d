# D's parameters ask for no gradient meanwhile; a fresh SGD for every step
def generator_steps(D, G, zs, lr):
    D.requires_grad_(False)
    for z in zs:
        G.zero_grad()
        loss = -F.logsigmoid(D(G(z)).squeeze(-1)).mean()
        loss.backward()
        torch.optim.SGD(G.parameters(), lr=lr).step()
    D.requires_grad_(True)
    return G.state_dict(), D.state_dict()
