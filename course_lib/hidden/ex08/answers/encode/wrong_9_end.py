# takes the y of the last word, as CLIP takes that of the end token
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.where(is_word[..., None], x, 0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.masked_fill(~is_word[:, None], -torch.inf).softmax(2) @ (x @ W_v)
    shares = F.one_hot((is_word * torch.arange(1, 1 + x.shape[1])).argmax(1), x.shape[1]).to(y.dtype)
    return (shares[..., None] * y).sum(1)
