# takes the likeliest class where a mixture belongs
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return ((V[p.argmax(1)] * p.sum(1, keepdim=True) + psi) * phi).sum(1) + b
