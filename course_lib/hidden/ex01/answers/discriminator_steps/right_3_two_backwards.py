# fakes made under no_grad, two backward passes that add up, and the step by hand
def discriminator_steps(D, G, xs, zs, lr, a):
    for i in range(len(xs)):
        with torch.no_grad():
            fake = G(zs[i])
        D.zero_grad()
        real_logit = D(xs[i])
        (-(a * F.logsigmoid(real_logit) + (1 - a) * F.logsigmoid(-real_logit)).mean()).backward()
        (-F.logsigmoid(-D(fake)).mean()).backward()
        for parameter in D.parameters():
            parameter.data = parameter.data - lr * parameter.grad
    return D.state_dict(), gradient_norm(G)
