# adds up powers of the kernel, and means from the joint tables
def cd_update(V, H, W, b, c, p_0, w):
    minus_E = V @ W @ H.T + (V @ b).unsqueeze(1) + (H @ c).unsqueeze(0)
    up = (minus_E - minus_E.logsumexp(1, keepdim=True)).exp()
    down = (minus_E - minus_E.logsumexp(0, keepdim=True)).exp()
    K = up @ down.T
    total = sum(chance * torch.linalg.matrix_power(K, k) for k, chance in enumerate(w))
    tables = [law[:, None] * up for law in (p_0, p_0 @ total)]
    stats = [(V.T @ t @ H, t.sum(1) @ V, t.sum(0) @ H) for t in tables]
    return [data - chain for data, chain in zip(*stats)]
