# torch.var_mean with kept dimensions; the matrices are split into the parts for e(y) and for z
def conditional_batch_norm(x, y, z, embed, W_gain, W_bias, running_mean, running_var, m, eps):
    var, mean = torch.var_mean(x, dim=(0, 2, 3), correction=0, keepdim=True)
    p = embed.shape[1]
    affine = lambda W: ((embed @ W[:, :p].T)[y] + z @ W[:, p:].T).unsqueeze(-1).unsqueeze(-1)
    out = (x - mean) / (var + eps).sqrt() * (1 + affine(W_gain)) + affine(W_bias)
    update = lambda old, new: old * (1 - m) + new.flatten() * m
    return out, update(running_mean, mean), update(running_var, var)
