# small probabilities are taken for e^z, in place of e^z / (1 + e^z)
import torch

def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    def prob(z):
        return torch.where(z < -10, torch.exp(z.clamp(max=0)), torch.sigmoid(z))
    row = v.reshape(len(v), -1)
    h = torch.where(u_h < prob((hi - lo) * (row @ W + c) / T), torch.full_like(u_h, hi), lo)
    p = prob(2 * (h @ W.T + b) / T).reshape(v.shape)
    return h, torch.where(known, v, torch.where(u_v < p, torch.ones_like(v), -1))
