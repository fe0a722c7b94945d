# uses PyTorch's own attention with a boolean mask
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    x = x.masked_fill(~is_word.unsqueeze(-1), 0)
    y = F.scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v,
                                       attn_mask=is_word[:, None].expand(-1, x.shape[1], -1))
    s = torch.where(is_word, beta * (y @ u), torch.finfo(y.dtype).min)
    return torch.einsum("nl,nle->ne", s.softmax(1), y)
