# takes a softmax of the weights, which are no logits
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    return ((p.softmax(1) @ V + psi) * phi).sum(1) + b
