# puts all noise into one batch and takes a single step
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    loss = F.softplus(-D(G(torch.cat(list(zs))))).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return G.state_dict(), D.state_dict()
