# subtracts the largest real score and takes exponentials itself
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    def shares(scores, mask):
        top = scores.masked_fill(~mask, -torch.inf).amax(-1, keepdim=True).detach()
        odds = torch.where(mask, (torch.where(mask, scores, top) - top).exp(), 0)
        return odds / odds.sum(-1, keepdim=True)
    x = torch.where(is_word[:, :, None], x, torch.zeros_like(x))
    q, k, v = x @ W_q, x @ W_k, x @ W_v
    scores = torch.einsum("nlh,njh->nlj", q, k) / q.shape[-1] ** 0.5
    y = shares(scores, is_word[:, None].expand_as(scores)) @ v
    return (shares(beta * (y @ u), is_word).unsqueeze(2) * y).sum(1)
