# lets padding take part in the mean over the places
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.where(is_word[..., None], x, 0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.masked_fill(~is_word[:, None], -torch.inf).softmax(2) @ (x @ W_v)
    shares = (beta * (y @ u)).softmax(1)
    return (shares[..., None] * y).sum(1)
