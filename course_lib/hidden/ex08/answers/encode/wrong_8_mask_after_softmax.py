# masks after the softmax and divides by what is left, which may be 0
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.where(is_word[..., None], x, 0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    a = scores.softmax(2) * is_word[:, None]
    y = a / a.sum(2, keepdim=True) @ (x @ W_v)
    shares = (beta * (y @ u)).masked_fill(~is_word, -torch.inf).softmax(1)
    return (shares[..., None] * y).sum(1)
