# takes the lower level for granted, and a softplus of the step from it
def free_energy(v, W, b, c, lo, hi, T):
    v = v.reshape(len(v), -1)
    x = v @ W + c
    return -(v @ b + lo * x.sum(1) + T * torch.nn.functional.softplus((hi - lo) / T * x).sum(1))
