# cuts each caption's words out, and never sees padding
def encode(x, is_word, W_q, W_k, W_v, u, beta):
    rows = []
    for caption, real in zip(x, is_word):
        words = caption[real]
        attention = ((words @ W_q) @ (words @ W_k).T / W_k.shape[1] ** 0.5).softmax(-1)
        y = attention @ words @ W_v
        rows.append((beta * y @ u).softmax(0) @ y)
    return torch.stack(rows)
