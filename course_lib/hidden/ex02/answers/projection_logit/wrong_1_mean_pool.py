# takes the mean over the pixels where BigGAN takes the sum
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).mean((2, 3))
    return ((p @ V + psi) * phi).sum(1) + b
