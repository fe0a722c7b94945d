"""CLIP: its loss against what is known of it exactly, and what its two encoders see."""
import math
from itertools import product

import pytest
import torch
from gaussian import rng
from torch import nn
from torch.nn import functional as nnf

from course_lib.core import load
from course_lib.data import ATTRIBUTES, faces
from course_lib.data.words import END, LENGTH, PADDING, UNKNOWN, VOCABULARY, Vocabulary
from course_lib.diffusion.clip import (
    CLIP,
    contrastive_loss,
    similarities,
    symmetric_loss,
    zero_shot,
)
from course_lib.nets import ImageEncoder, TextTransformer
from course_lib.recipes import weights
from course_lib.recipes.clip import Worded, faces_clip, wordings

D = 8


def units(n, seed=0, d=D):
    z = torch.randn(n, d, generator=rng(seed), dtype=torch.float64)
    return nnf.normalize(z, dim=1)


def test_one_pair_has_no_loss_and_equal_embeddings_have_log_n():
    assert contrastive_loss(units(1), units(1, 1), 50.0) == 0
    for n in (2, 7, 100):
        same = units(1).expand(n, D)
        assert contrastive_loss(same, same, 30.0).item() == pytest.approx(math.log(n), abs=1e-12)
        assert contrastive_loss(units(n), units(n, 1), 0.0).item() == pytest.approx(math.log(n))
    far = torch.eye(D, dtype=torch.float64)                  # pairs at 1, all others at 0
    expected = math.log1p((D - 1) * math.exp(-30))
    assert contrastive_loss(far, far, 30.0).item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_does_not_mind_names_or_order():
    z_i, z_t = units(9), units(9, 1)
    loss = contrastive_loss(z_i, z_t, 5.0)
    order = torch.randperm(9, generator=rng(0))
    assert torch.allclose(loss, contrastive_loss(z_t, z_i, 5.0), atol=1e-14)
    assert torch.allclose(loss, contrastive_loss(z_i[order], z_t[order], 5.0), atol=1e-14)
    assert not torch.allclose(loss, contrastive_loss(z_i, z_t[order], 5.0), atol=1e-3)


def test_the_loss_is_the_mean_of_two_cross_entropies():
    z_i, z_t, n = units(6), units(6, 1), 6
    s = [[7.0 * sum(float(a) * float(b) for a, b in zip(x, y)) for y in z_t] for x in z_i]
    log_sum = lambda values: math.log(math.fsum(map(math.exp, values)))
    rows = sum(log_sum(s[k]) - s[k][k] for k in range(n)) / n
    columns = sum(log_sum([row[k] for row in s]) - s[k][k] for k in range(n)) / n
    assert abs(rows - columns) > 0.01
    assert contrastive_loss(z_i, z_t, 7.0).item() == pytest.approx((rows + columns) / 2, abs=1e-12)


def joint():
    """p(x, y) of 3 pictures and 4 captions, log p(x, y)/(p(x) p(y)), and I(x; y)."""
    p = torch.rand(3, 4, generator=rng(3), dtype=torch.float64) ** 2
    p = p / p.sum()
    ratio = (p / (p.sum(1, keepdim=True) * p.sum(0))).log()
    return p, ratio, (p * ratio).sum()


def expected_loss(s, p, n):
    """E of the loss over all batches of n pairs of p, for a table of scores s, by enumeration."""
    pairs = torch.tensor(list(product(range(3), range(4))))
    batches = torch.tensor(list(product(range(12), repeat=n)))
    x, y = pairs[batches].unbind(2)                                             # each (12^n, n)
    losses = torch.vmap(symmetric_loss)(s[x[:, :, None], y[:, None]])
    return (p[x, y].prod(1) * losses).sum()


@pytest.mark.parametrize("n", [2, 3])
def test_the_log_ratio_is_stationary_for_every_size_of_a_batch(n):
    """Given x_k and all captions, caption j is x_k's with a probability ∝ p(x, y_j)/(p(x) p(y_j)):
    the loss is the entropy of that at least, and its gradient there is 0."""
    p, ratio, _ = joint()
    s = (ratio + 1.7).requires_grad_()
    gradient, = torch.autograd.grad(expected_loss(s, p, n), s)
    assert gradient.abs().max() < 1e-15
    other = (ratio + torch.arange(3)[:, None]).requires_grad_()    # free in one half, not in both
    gradient, = torch.autograd.grad(expected_loss(other, p, n), other)
    assert gradient.abs().max() > 1e-3


def test_minimising_finds_the_log_ratio():
    p, ratio, _ = joint()
    s = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([s], max_iter=60, tolerance_grad=1e-9, tolerance_change=1e-14,
                                  line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = expected_loss(s, p, 2)
        loss.backward()
        return loss

    optimiser.step(closure)
    found = s.detach() - ratio
    assert (found - found.mean()).abs().max() < 1e-5


def test_log_n_minus_the_loss_bounds_the_mutual_information():
    p, ratio, information = joint()
    bound = lambda s, n: math.log(n) - expected_loss(s, p, n)
    best = [bound(ratio, n) for n in (1, 2, 3, 4)]
    assert best[0] == 0 and best[0] < best[1] < best[2] < best[3] < information
    for seed in range(5):
        s = 3 * torch.randn(3, 4, generator=rng(seed), dtype=torch.float64)
        assert bound(s, 2) < best[1] and bound(s, 3) < best[2]


def test_zero_shot_is_a_softmax_over_prompts():
    classes, scale = torch.eye(5, dtype=torch.float64), 2.0
    p = zero_shot(classes[[3, 0]], classes, scale)
    hit = math.exp(scale) / (math.exp(scale) + 4)
    expected = classes[3] * hit + (1 - classes[3]) * (1 - hit) / 4
    assert torch.allclose(p[0], expected, atol=1e-12)
    assert p.argmax(1).tolist() == [3, 0]
    z_i, z_t = units(20), units(4, 1)
    assert torch.allclose(zero_shot(z_i, z_t, 9.0).sum(1), torch.ones(20, dtype=torch.float64))
    assert torch.equal(zero_shot(z_i, z_t, 9.0).argmax(1), (z_i @ z_t.T).argmax(1))
    assert similarities(z_i, z_t, 3.0).shape == (20, 4)


def clip(seed=0, **text):
    torch.manual_seed(seed)
    return CLIP(ImageEncoder(D, width=4), TextTransformer(len(VOCABULARY), D, 16, 2, 2, **text),
                VOCABULARY).eval()


def test_the_scale_is_learned_and_at_most_100():
    model, data = clip(), faces(6, seed=0)
    assert model.scale.item() == pytest.approx(1 / 0.07)
    batch = (data.images, VOCABULARY.encode(data.captions))
    model.loss(batch, "model").backward()
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
    for wanted in (99.0, 100.0, 1e6):
        nn.init.constant_(model.logit_scale, math.log(wanted))
        assert model.scale.item() == pytest.approx(min(wanted, 100), rel=1e-5)


def test_a_scale_above_the_bound_comes_back():
    """Of 6 pairs that do not belong together, at a scale of 100: less scale is less loss."""
    model, data = clip(), faces(6, seed=0)
    nn.init.constant_(model.logit_scale, math.log(150))
    batch = (data.images, VOCABULARY.encode(data.captions))
    optimiser = torch.optim.SGD([model.logit_scale], lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        model.loss(batch, "model").backward()
        optimiser.step()
    assert model.scale < 99


def test_embeddings_are_unit_vectors_whatever_is_put_in():
    model, data = clip(), faces(6, seed=0)
    with torch.no_grad():
        z_i, z_t = model.embed_image(data.images), model.embed_text(data.captions)
        assert z_i.shape == z_t.shape == (6, D)
        assert torch.allclose(torch.cat([z_i, z_t]).norm(dim=1), torch.ones(12), atol=1e-6)
        assert torch.equal(z_t, model.embed_text(VOCABULARY.encode(data.captions)))
        assert torch.allclose(z_t[:1], model.embed_text(data.captions[0]), atol=1e-6)
        expected = contrastive_loss(z_i, z_t, model.scale)
        batch = (data.images, VOCABULARY.encode(data.captions))
        assert torch.allclose(model.loss(batch, "model"), expected)


def test_nothing_behind_the_end_counts():
    model, captions = clip(), ["a bald person", faces(1, seed=1).captions[0]]
    tokens = VOCABULARY.encode(captions)
    with torch.no_grad():
        z = model.embed_text(tokens)
        junk = torch.randint(3, len(VOCABULARY), tokens.shape, generator=rng(0))
        behind = torch.arange(LENGTH) > (tokens == END).int().argmax(1, keepdim=True)
        for other in (tokens[:, :int((tokens == END).nonzero()[:, 1].max()) + 1],
                      tokens.where(~behind, junk), tokens.where(~behind, END)):
            assert torch.allclose(model.embed_text(other), z, atol=1e-6)
        assert torch.allclose(model.embed_text(captions[0]), z[:1], atol=1e-6)
        changed = tokens.clone()
        changed[:, 1] = VOCABULARY.number["red"]
        assert (model.embed_text(changed) - z).norm(dim=1).min() > 0.01
        assert model.embed_text(tokens[:0]).shape == (0, D)


def test_a_word_sees_those_before_it_alone():
    text = clip().text
    tokens = torch.randint(3, len(VOCABULARY), (4, 12), generator=rng(0))
    for k in (1, 5, 11):
        other = tokens.clone()
        other[:, k:] = torch.randint(3, len(VOCABULARY), (4, 12 - k), generator=rng(k))
        with torch.no_grad():
            a, b = text.features(tokens), text.features(other)
        assert torch.allclose(a[:, :k], b[:, :k], atol=1e-6)
        assert (a[:, k:] - b[:, k:]).abs().max() > 0.1
    swapped = tokens[:, [1, 0, *range(2, 12)]]                          # the order of words counts
    with torch.no_grad():
        assert (text.features(swapped) - text.features(tokens))[:, 11].abs().max() > 1e-3


def test_a_shorter_network_takes_captions_that_fit():
    model = clip(length=6)
    assert model.embed_text("a bald person").shape == (1, D)
    with pytest.raises(ValueError, match="length ≤ 6"):
        model.embed_text("a bald person with a red hat")


def test_larger_images_are_told_apart_too():
    for size in (16, 32, 64):
        net = ImageEncoder(D, width=4, size=size)
        assert net(torch.rand(2, 3, size, size)).shape == (2, D)
        pixel = torch.zeros(1, 3, size, size, requires_grad=True)
        nn.init.constant_(net.conv1.bias, 1.0)
        net(pixel).sum().backward()
        assert pixel.grad[0].any(0).float().mean() > 0.2              # max pools pass one of 16 on


def row(*numbers, dtype=torch.int64):
    return torch.tensor([numbers], dtype=dtype)


@pytest.mark.parametrize("wrong, error, words", [
    (lambda m: contrastive_loss(units(3), units(4), 1.0), ValueError, "As many captions as images"),
    (lambda m: contrastive_loss(units(0), units(0), 1.0), ValueError, "As many captions as images"),
    (lambda m: contrastive_loss(units(3), units(3, d=4), 1.0), ValueError, "Expected embeddings"),
    (lambda m: zero_shot(units(3)[0], units(4)), ValueError, "Expected embeddings"),
    (lambda m: symmetric_loss(torch.zeros(3)), ValueError, "As many captions as images"),
    (lambda m: m.embed_image(torch.zeros(2, 3, 32, 32)), ValueError, "Expected images"),
    (lambda m: m.embed_image(torch.zeros(2, 1, 16, 16)), ValueError, "Expected images"),
    (lambda m: m.embed_text(row(3, END, dtype=torch.int32)), TypeError, "whole numbers"),
    (lambda m: m.embed_text(row(3.0, 2.0, dtype=torch.float32)), TypeError, "whole numbers"),
    (lambda m: m.embed_text(row(*[3] * LENGTH, END)), ValueError, "length ≤ 48"),
    (lambda m: m.embed_text(row(3, END)[0]), ValueError, "length ≤ 48"),
    (lambda m: m.embed_text(row(3, 4, 5)), ValueError, "needs an end"),
    (lambda m: m.embed_text(row(3, len(VOCABULARY), END)), ValueError, "numbers below"),
    (lambda m: m.embed_text(row(-1, END)), ValueError, "numbers below"),
    (lambda m: m.embed_text(""), ValueError, "no word"),
    (lambda m: TextTransformer(9, D, width=10, heads=4), ValueError, "do not divide"),
    (lambda m: ImageEncoder(D, size=24), ValueError, "multiple of 16"),
])
def test_what_does_not_fit_is_one_clear_error(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong(clip())


def test_training_draws_one_caption_of_several_and_hides_two_words_of_a_hundred():
    data = faces(300, seed=0)
    captions = wordings(data, 4)
    assert captions.shape == (300, 4, LENGTH) and captions.dtype == torch.int64
    pictures = torch.arange(300.0).view(-1, 1, 1, 1)
    torch.manual_seed(0)
    words = hidden = 0
    which = set()
    for _ in range(10):
        for x, tokens in Worded(pictures, captions, size=100):
            of = captions[x.flatten().long()]                                   # (100, 4, length)
            fits = (tokens[:, None] == of) | (tokens[:, None] == UNKNOWN)
            assert fits.all(2).any(1).all()
            which |= set(fits.all(2).int().argmax(1).tolist())
            assert ((tokens == END).sum(1) == 1).all()
            words += int((tokens > PADDING).sum() - len(tokens))
            hidden += int((tokens == UNKNOWN).sum())
    assert which == {0, 1, 2, 3}
    assert abs(hidden / words - 0.02) < 6 * math.sqrt(0.02 / words)             # six errors


def test_the_shipped_clip_reads_and_names_what_it_sees():
    model, data = load(faces_clip(), weights("clip_faces")).eval(), faces(500, seed=901)
    colours = ("black", "blond", "brown", "gray", "red", "blue")
    prompts = [f"a person with {c} hair" for c in colours] + ["a bald person"]
    names = [f"{c.capitalize()}_Hair" for c in colours] + ["Bald"]
    truth = data.attributes[:, [ATTRIBUTES.index(name) for name in names]].int().argmax(1)
    with torch.no_grad():
        z_i, z_t = model.embed_image(data.images), model.embed_text(prompts)
        right = zero_shot(z_i, z_t).argmax(1) == truth
        loss = model.loss((data.images[:100], VOCABULARY.encode(data.captions[:100])), "model")
    assert right.float().mean() > 0.9                     # measured: benchmarks/results/clip*.csv
    assert loss < math.log(100) / 3 and model.scale <= 100


def test_a_vocabulary_belongs_to_the_model():
    words = Vocabulary(["cat", "dog"])
    model = CLIP(ImageEncoder(D, width=4), TextTransformer(len(words), D, 16, 2, 1), words)
    with pytest.warns(UserWarning, match="bald"):
        model.embed_text("bald dog")
