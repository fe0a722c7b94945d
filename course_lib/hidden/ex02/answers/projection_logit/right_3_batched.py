# a batched product of rows and columns
def projection_logit(features, p, V, psi, b):
    phi = F.relu(features).sum((2, 3))
    total = torch.bmm((p @ V + psi).unsqueeze(1), phi.unsqueeze(2))
    return total.flatten() + b
