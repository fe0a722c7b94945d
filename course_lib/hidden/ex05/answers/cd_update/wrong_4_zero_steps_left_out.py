# leaves out the chains that take no step
def cd_update(V, H, W, b, c, p_0, w):
    E = -(V @ W @ H.T) - (V @ b)[:, None] - H @ c
    h_given_v, v_given_h = torch.softmax(-E, 1), torch.softmax(-E, 0)
    p, q = p_0, 0 * p_0
    for chance in w[1:]:
        p = v_given_h @ (p @ h_given_v)
        q = q + chance * p
    difference, h = p_0 - q, h_given_v @ H
    return V.T @ (difference[:, None] * h), difference @ V, difference @ h
