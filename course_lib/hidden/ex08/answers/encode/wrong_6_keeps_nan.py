# takes padding away by a product with 0, which keeps infinities and NaN
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = x * is_word[..., None]
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.masked_fill(~is_word[:, None], -torch.inf).softmax(2) @ (x @ W_v)
    shares = (beta * (y @ u)).masked_fill(~is_word, -torch.inf).softmax(1)
    return (shares[..., None] * y).sum(1)
