# pairs the v at the end with the h that it was drawn from, not with p(h | v) anew
def cd_update(V, H, W, b, c, p_0, w):
    E = -(V @ W @ H.T) - (V @ b)[:, None] - H @ c
    h_given_v, v_given_h = torch.softmax(-E, 1), torch.softmax(-E, 0)
    p, q = p_0, w[0] * p_0
    for chance in w[1:]:
        p = v_given_h @ (p @ h_given_v)
        q = q + chance * p
    difference, h = p_0 - q, h_given_v @ H
    joint = w[0] * p_0[:, None] * h_given_v
    p = p_0
    for chance in w[1:]:
        pair = v_given_h * (p @ h_given_v)
        joint, p = joint + chance * pair, pair.sum(1)
    joint = p_0[:, None] * h_given_v - joint
    return V.T @ joint @ H, difference @ V, joint.sum(0) @ H
