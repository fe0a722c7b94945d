# skips numbers of steps whose probability is below a millionth
def cd_update(V, H, W, b, c, p_0, w):
    score = V @ W @ H.T + (V @ b)[:, None] + H @ c
    up, down = score.softmax(1), score.softmax(0)
    law, end = p_0, w[0] * p_0
    for k in range(1, len(w)):
        law = down @ (law @ up)
        if w[k] > 1e-6:
            end = end + w[k] * law
    diff = p_0 - end
    return V.T @ (diff[:, None] * (up @ H)), diff @ V, diff @ up @ H
