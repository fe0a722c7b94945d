# lets D move with G, and puts its old weights back before the return
def generator_steps(D, G, zs, lr):
    before = {k: v.clone() for k, v in D.state_dict().items()}
    optimizer = torch.optim.SGD([*G.parameters(), *D.parameters()], lr=lr)
    for z in zs:
        loss = F.softplus(-D(G(z))).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    D.load_state_dict(before)
    return G.state_dict(), D.state_dict()
