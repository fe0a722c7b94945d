# lets words attend to padding, which has zeros in its place
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.where(is_word[..., None], x, 0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.softmax(2) @ (x @ W_v)
    shares = (beta * (y @ u)).masked_fill(~is_word, -torch.inf).softmax(1)
    return (shares[..., None] * y).sum(1)
