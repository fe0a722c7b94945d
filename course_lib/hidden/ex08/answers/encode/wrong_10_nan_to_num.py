# clears NaN and infinities away, and leaves padding's large numbers, whose products overflow
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.masked_fill(~is_word[:, None], -torch.inf).softmax(2) @ (x @ W_v)
    shares = (beta * (y @ u)).masked_fill(~is_word, -torch.inf).softmax(1)
    return (shares[..., None] * y).sum(1)
