# does not pool keys and values
def self_attention(x, W_q, W_k, W_v, W_o, gamma):
    q, k, v = (torch.einsum("oc,bchw->bohw", W, x).flatten(2) for W in (W_q, W_k, W_v))
    A = (q.mT @ k / math.sqrt(len(W_q))).softmax(2)
    out = torch.einsum("oc,bcn->bon", W_o, v @ A.mT).unflatten(2, x.shape[2:])
    return x + gamma * out, A
