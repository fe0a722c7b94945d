# never sets the gradients to zero: the second step also takes the gradient of the first
def generator_steps(D, G, zs, lr):
    optimizer = torch.optim.SGD(G.parameters(), lr=lr)
    for z in zs:
        logit = D(G(z))
        F.binary_cross_entropy_with_logits(logit, torch.ones_like(logit)).backward()
        optimizer.step()
    return G.state_dict(), D.state_dict()
