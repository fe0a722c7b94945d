# puts z before the embedding, where the matrices have e(y) first
def conditional_batch_norm(x, y, z, embed, W_gain, W_bias, running_mean, running_var, m, eps):
    mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
    c = torch.cat([z, embed[y]], 1)
    gain, bias = 1 + c @ W_gain.T, c @ W_bias.T
    out = gain[..., None, None] * (x - mean[:, None, None]) / (var[:, None, None] + eps).sqrt() + bias[..., None, None]
    return out, (1 - m) * running_mean + m * mean, (1 - m) * running_var + m * var
