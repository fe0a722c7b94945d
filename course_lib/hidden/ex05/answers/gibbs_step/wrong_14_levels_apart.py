# v is driven by lo + (hi - lo) * bit: a level of 0.1 loses its digits beside a far one
import torch

def gibbs_step(v, known, W, b, c, lo, hi, T, u_h, u_v):
    row = v.reshape(len(v), -1)
    on = u_h < torch.sigmoid((hi - lo) * (row @ W + c) / T)
    y = b + lo * W.sum(1) + (hi - lo) * (on.to(v.dtype) @ W.T)
    new = torch.where(u_v < torch.sigmoid(2 * y / T).reshape(v.shape), torch.ones_like(v), -1)
    return torch.where(on, torch.full_like(u_h, hi), lo), torch.where(known, v, new)
