# minimises the minimax loss log(1−D) where the non-saturating loss −log D belongs
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        loss = F.logsigmoid(-D(G(z))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
