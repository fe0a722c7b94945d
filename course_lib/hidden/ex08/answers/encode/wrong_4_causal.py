# lets a word look only at those before it, as CLIP's own encoder does
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = torch.where(is_word[..., None], x, 0)
    scores = (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[1])
    y = scores.masked_fill(~is_word[:, None] | torch.ones_like(scores).bool().triu(1), -torch.inf).softmax(2).nan_to_num() @ (x @ W_v)
    shares = (beta * (y @ u)).masked_fill(~is_word, -torch.inf).softmax(1)
    return (shares[..., None] * y).sum(1)
