# uses Adam where plain SGD belongs
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.Adam(G.parameters(), lr=lr)
    for z in zs:
        loss = F.softplus(-D(G(z))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
