# sets gradients to zero after the step only, so those that lay in G before enter the first step
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        loss = -F.logsigmoid(D(G(z))).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return G.state_dict(), D.state_dict()
