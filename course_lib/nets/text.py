"""The text encoder of CLIP: a small transformer over words."""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

END = 2                                              # the number that ends a caption; 0 is padding


class Block(nn.Module):
    """h + attention(norm h), then h + W₂ GELU(W₁ norm h)    Radford et al. 2019, Section 2.3

    Causal attention: Vaswani et al. 2017, eq. 1. Words see those before them and themselves.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, h: Tensor) -> Tensor:          # (n, length, width) → the same
        heads = self.qkv(self.before(h)).unflatten(2, (3 * self.heads, -1)).transpose(1, 2)
        q, k, v = heads.chunk(3, 1)                  # each (n, heads, length, width/heads)
        mixed = nnf.scaled_dot_product_attention(q, k, v, is_causal=True)
        h = h + self.out(mixed.transpose(1, 2).flatten(2))
        return h + self.narrow(nnf.gelu(self.widen(self.after(h))))


class TextTransformer(nn.Module):
    """Words (n, length) → the last layer's feature at the end of the caption, projected, (n, out)
    Radford et al. 2021, Section 2.4

    words: how many numbers there are, special ones too; length: the longest row. As attention is
    causal, nothing behind the end counts.
    Errors: TypeError where words are not int64; ValueError for rows without an end, too long ones,
    and numbers outside the vocabulary.
    """

    def __init__(self, words: int, out: int, width: int = 64, heads: int = 4, layers: int = 2,
                 length: int = 48):
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}.")
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.norm, self.project = nn.LayerNorm(width), nn.Linear(width, out, bias=False)
        for table in (self.word, self.place):
            nn.init.normal_(table.weight, std=0.1)

    def end(self, tokens: Tensor) -> Tensor:         # where each caption ends, (n,)
        if tokens.dtype != torch.int64:
            raise TypeError(f"Words are whole numbers (int64), got {tokens.dtype}.")
        if tokens.ndim != 2 or tokens.shape[1] > len(self.place.weight):
            raise ValueError(f"Expected words (n, length ≤ {len(self.place.weight)}), got "
                             f"{tuple(tokens.shape)}.")
        if tokens.numel() and not 0 <= tokens.min() <= tokens.max() < len(self.word.weight):
            raise ValueError(f"Words have numbers below {len(self.word.weight)}, got "
                             f"{tokens.min()} … {tokens.max()}.")
        ends = tokens == END
        if not ends.any(1).all():
            raise ValueError(f"Each row of words needs an end, {END}; `Vocabulary.encode` adds it.")
        return ends.int().argmax(1)

    def features(self, tokens: Tensor) -> Tensor:    # (n, length) → (n, length, width)
        places = self.place.weight[:tokens.shape[1]]
        return self.norm(self.blocks(self.word(tokens) + places))

    def forward(self, tokens: Tensor) -> Tensor:     # (n, length) → (n, out)
        end = self.end(tokens)
        if not len(end):
            return self.project(self.norm(self.place.weight[:0]))
        h = self.features(tokens[:, :int(end.max()) + 1])
        return self.project(h[torch.arange(len(end), device=end.device), end])
