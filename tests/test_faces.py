import functools
import itertools
import re
import sys
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from course_lib import evaluate
from course_lib.data import (
    ATTRIBUTES,
    CELEBA_ATTRIBUTES,
    batches,
    celeba,
    digits,
    faces,
    outlines,
)
from course_lib.data.faces import GROUPS, PALETTE, combinations
from course_lib.recipes import face_features

COLUMN = {name: i for i, name in enumerate(ATTRIBUTES)}
drawn = functools.cache(lambda: faces(5000, seed=77))


def of(x, name):
    return x.attributes[:, COLUMN[name]]


def test_portraits_have_the_promised_form():
    images, attributes, captions = drawn()
    assert images.shape == (5000, 3, 16, 16) and images.dtype == torch.float32
    assert images.min() >= -1 and images.max() <= 1 and images.std() > 0.5
    assert attributes.shape == (5000, len(ATTRIBUTES)) and attributes.dtype == torch.bool
    assert len(captions) == 5000 and all(type(caption) is str for caption in captions)
    assert len(set(ATTRIBUTES)) == len(ATTRIBUTES)
    assert ATTRIBUTES[:10] == tuple(name for name in CELEBA_ATTRIBUTES if name in ATTRIBUTES)


def test_a_seed_means_one_set_of_portraits_and_no_two_are_equal():
    a, b, c = faces(50, seed=1), faces(50, seed=1), faces(50, seed=2)
    assert torch.equal(a.images, b.images) and torch.equal(a.attributes, b.attributes)
    assert a.captions == b.captions != c.captions and not torch.equal(a.images, c.images)
    state = torch.random.get_rng_state()
    faces(2)
    assert torch.equal(state, torch.random.get_rng_state())
    twins = faces(300, attributes=dict(zip(ATTRIBUTES, a.attributes[0]))).images.flatten(1)
    assert torch.pdist(twins).min() > 0.3                   # noise alone: 0.02 √(2 · 768) = 0.8
    assert len(drawn().images.flatten(1).unique(dim=0)) == 5000


def test_the_larger_size_repeats_pixels():
    small, large = faces(5, seed=3), faces(5, seed=3, size=32)
    assert torch.equal(small.attributes, large.attributes) and small.captions == large.captions
    for i, j in itertools.product(range(2), repeat=2):
        assert torch.equal(large.images[..., i::2, j::2], small.images)


def test_attributes_relate_as_they_are_said_to():
    table, weights = combinations()
    has = lambda name: table[:, COLUMN[name]]
    assert len(table.unique(dim=0)) == len(table) and abs(weights.sum() - 1) < 1e-9
    for group, members in GROUPS.items():
        count = sum(has(name).long() for name in members if name)
        assert count.max() == 1 and (count.min() == 1) == (None not in members), group
    hats = sum(has(f"{colour}_Hat").long() for colour in ("Red", "Blue", "Green", "Purple"))
    assert torch.equal(hats == 1, has("Wearing_Hat"))
    assert not (has("Bald") & (has("Wearing_Hat") | has("Long_Hair"))).any()
    assert len(table) == (1 + 6 * 2 * 5) * 2 * 3 * 3 * 2 * 3 * 4 * 4
    expected = (weights[:, None] * table).sum(0)            # of a share p: five standard deviations
    spread = 5 * (expected * (1 - expected) / 5000).sqrt()
    assert ((drawn().attributes.double().mean(0) - expected).abs() < spread).all()
    assert (expected > 0.03).all()


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_is_asked_for_is_drawn_and_seen(name):
    wanted = torch.arange(200) % 2 == 0
    x = faces(200, seed=5, attributes={name: wanted})
    assert torch.equal(of(x, name), wanted)
    assert (evaluate.attributes(x.images)[:, COLUMN[name]] > 0).eq(wanted).double().mean() > 0.97
    others = [other for other in ("Yellow_Shirt", "Smiling") if other != name]
    assert all(0 < of(x, other).sum() < 200 for other in others)            # the rest is drawn


def nearest(pixels, group):
    """Which colour of the palette, in some light, each pixel (n, 3) in [−1, 1] is nearest to."""
    rgb = [[int(code[i:i + 2], 16) for i in (0, 2, 4)] for code in PALETTE[group]]
    unit = torch.nn.functional.normalize(torch.tensor(rgb).float(), dim=1)
    return (torch.nn.functional.normalize(pixels + 1, dim=1) @ unit.T).argmax(1)


def test_colours_of_the_palette_are_where_they_belong():
    x = drawn()
    index = lambda group: torch.stack([of(x, name) for name in GROUPS[group] if name], 1).int()
    assert torch.equal(nearest(x.images[:, :, 0, 0], "background"), index("background").argmax(1))
    assert torch.equal(nearest(x.images[:, :, 15, 4], "shirt"), index("shirt").argmax(1))
    hat = of(x, "Wearing_Hat")
    two = x.images[hat][:, :, 2:4, 6]                       # one may be a stripe
    pure = ((two.amax(1) - two.amin(1)) / (1 + two.amax(1))).argmax(1)
    seen = nearest(two[torch.arange(len(two)), :, pure], "hat")
    assert torch.equal(seen, 1 + index("hat")[hat].argmax(1))


def test_whole_portraits_can_be_asked_for():
    some = drawn().attributes[:500]
    again = faces(500, seed=1, attributes=dict(zip(ATTRIBUTES, some.T)))
    assert torch.equal(again.attributes, some)


def test_combinations_can_be_held_out():
    out = [{"Smiling": True, "Wearing_Hat": True}, {"Eyeglasses": True, "No_Beard": False}]
    x = faces(3000, seed=8, without=out)
    for never in out:
        held = torch.stack([of(x, name) == value for name, value in never.items()]).all(0)
        assert not held.any()
        assert all(0 < (of(x, name) == value).sum() for name, value in never.items())
        assert len(faces(20, attributes=never).images) == 20
        with pytest.raises(ValueError, match="without"):
            faces(20, attributes=never, without=out)


@pytest.mark.parametrize("wrong, message", [
    ({"attributes": {"Bald": True, "Wearing_Hat": True}}, "Bald=True, Wearing_Hat=True.*exclude"),
    ({"attributes": {"Bald": True, "Black_Hair": True}}, "exclude each other"),
    ({"attributes": {"Eyeglasses": True, "Sunglasses": True}}, "exclude each other"),
    ({"attributes": {"Smiling": True, "Frowning": torch.tensor([False, True])}}, "exclude"),
    ({"attributes": {"Male": True}}, "no attribute 'Male'"),
    ({"without": [{"Moustache": True}]}, "no attribute 'Moustache'"),
    ({"attributes": {"Smiling": torch.ones(3, dtype=torch.bool)}}, r"shape \(2,\)"),
    ({"attributes": {"Smiling": 0.5}}, "True, False or"),
    ({"size": 64}, "size 16, or 32"),
    ({"n": 0}, "from 1 on"),
    ({"without": [{}]}, "`without` keeps out every portrait."),
    ({"without": {"Smiling": True}}, "list of combinations"),
    ({"attributes": {"Bald": True, "Long_Hair": True}, "without": [{"Bald": False}]}, "exclude"),
])
def test_what_cannot_be_drawn_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        faces(**({"n": 2} | wrong))


def test_parts_come_from_the_verified_file_only(tmp_path, monkeypatch):
    module = sys.modules["course_lib.data.faces"]
    whole = (module.HERE / "face_parts.npz").read_bytes()
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "_parts", functools.cache(module._parts.__wrapped__))
    with pytest.raises(FileNotFoundError, match="missing"):
        faces(1)
    (tmp_path / "face_parts.npz").write_bytes(whole[:-9])
    with pytest.raises(ValueError, match="not the file that ships"):
        faces(1)


# ── Captions ─────────────────────────────────────────────────────────────────────────────────────

HAIRS = {"grey": "Gray", "ginger": "Red"}
CLAIMS = (      # what words say: the words, and (attribute, truth) of a match
    (r"\bbald( head)?\b|\bno hair\b", lambda m: [("Bald", True)]),
    (r"\b(long |short )?(black |blond |brown |gray |grey |red |ginger |blue )?hair\b", lambda m: [
        *([("Long_Hair", m[1] == "long ")] if m[1] else []),
        *([(f"{HAIRS.get(m[2].strip(), m[2].strip().title())}_Hair", True)] if m[2] else [])]),
    (r"\bsmil(e|ing)\b", lambda m: [("Smiling", True)]),
    (r"\bfrown(ing)?\b", lambda m: [("Frowning", True)]),
    (r"\b(no )?beard(ed)?\b", lambda m: [("No_Beard", bool(m[1]))]),
    (r"\b(light|tan|dark)(-skinned| skin)\b", lambda m: [(f"{m[1].title()}_Skin", True)]),
    (r"\bsunglasses\b|\bdark glasses\b|\bshades\b", lambda m: [("Sunglasses", True)]),
    (r"\b(eye)?glasses\b|\bspectacles\b", lambda m: [("Eyeglasses", True)]),
    (r"\b(a pair of )?earrings\b", lambda m: [("Wearing_Earrings", True)]),
    (r"\b(red |blue |green |purple )?hat\b", lambda m: [
        ("Wearing_Hat", True), *([(f"{m[1].strip().title()}_Hat", True)] if m[1] else [])]),
    (r"\b(\w+) (shirt|sweater|top)\b", lambda m: [(f"{m[1].title()}_Shirt", True)]),
    (r"\b(on|in front of) a (\w+) (background|wall)\b",
     lambda m: [(f"{m[2].title()}_Background", True)]),
)


def claims(caption):
    """The attributes that a caption states, and the words that state nothing."""
    stated = []
    for words, meaning in CLAIMS:
        for match in re.finditer(words, caption):
            stated += meaning(match)
        caption = re.sub(words, "", caption)
    return stated, set(re.findall(r"\w+", caption))


def test_captions_say_nothing_false_and_nothing_else():
    x = drawn()
    said = torch.zeros(len(ATTRIBUTES), 2)
    for caption, row in zip(x.captions, x.attributes.tolist()):
        stated, idle = claims(caption)
        for name, truth in stated:
            assert row[COLUMN[name]] == truth, (caption, name)
            said[COLUMN[name], int(truth)] += 1
        assert idle <= {"a", "person", "portrait", "of", "face", "someone", "with", "wearing",
                        "and"}, caption
    count = x.attributes.sum(0)
    shown = said[:, 1].clone()
    shown[COLUMN["No_Beard"]] = said[COLUMN["No_Beard"], 0]         # of this the lack is the news
    count[COLUMN["No_Beard"]] = 5000 - count[COLUMN["No_Beard"]]
    assert (shown / count > 0.25).all() and (shown / count < 0.95).all()     # said, and left unsaid
    assert said[COLUMN["Long_Hair"], 0] > 500                                        # "short hair"


def test_the_wording_varies():
    captions = drawn().captions
    assert len(set(captions)) > 4800
    same = faces(200, attributes=dict(zip(ATTRIBUTES, drawn().attributes[0]))).captions
    assert len(set(same)) > 190
    first = {caption.split(" ")[0] for caption in captions}
    assert {"a", "someone"} < first and len(first) > 8
    assert max(map(len, captions)) < 300 and min(map(len, captions)) > 3


# ── CelebA ───────────────────────────────────────────────────────────────────────────────────────

def small_celeba(root, n=9, zipped=False, split=lambda i: min(i // 4, 2)):
    """n pictures of 178×218 in the official layout, the attribute table, and their split."""
    rng = np.random.default_rng(0)
    folder = root / "img_align_celeba"
    folder.mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(n)]
    for i, name in enumerate(names):
        picture = np.full((218, 178, 3), 20 * (i % 12), np.uint8)
        picture[:20] = picture[-20:] = 255                          # outside of the centre
        Image.fromarray(picture).save(folder / name, quality=95)
    if zipped:
        with zipfile.ZipFile(root / "img_align_celeba.zip", "w") as archive:
            for name in names:
                archive.write(folder / name, f"img_align_celeba/{name}")
                (folder / name).unlink()
        folder.rmdir()
    table = rng.choice([-1, 1], (n, 40))
    lines = [f"{name} " + " ".join(f"{v:2d}" for v in row) for name, row in zip(names, table)]
    (root / "list_attr_celeba.txt").write_text(
        "\n".join([str(n), " ".join(CELEBA_ATTRIBUTES) + " ", *lines]) + "\n")
    (root / "list_eval_partition.txt").write_text(
        "".join(f"{name} {split(i)}\n" for i, name in enumerate(names)))
    return torch.from_numpy(table > 0)


@pytest.mark.parametrize("zipped", [False, True])
def test_celeba_comes_through_the_same_interface(tmp_path, zipped):
    table = small_celeba(tmp_path, zipped=zipped)
    start = 0
    for split, n in (("train", 4), ("valid", 4), ("test", 1)):
        x = celeba(tmp_path, split, size=32)
        assert len(CELEBA_ATTRIBUTES) == 40 and torch.equal(x.attributes, table[start:start + n])
        assert len(x.images) == len(x.captions) == n and x.images.shape == (n, 3, 32, 32)
        images = x.images[:]
        assert images.dtype == torch.float32 and images.shape == (n, 3, 32, 32)
        values = 20 * torch.arange(start, start + n) / 127.5 - 1      # constant, so scaling is, too
        assert (images - values[:, None, None, None]).abs().max() < 3 / 127.5
        start += n
    x = celeba(tmp_path, size=16, seed=1)
    assert x.images[2].shape == (3, 16, 16) and x.images[torch.tensor([3, 0])].shape[0] == 2
    assert torch.equal(x.images[torch.tensor([3, 0])][1], x.images[0])
    drawn = list(batches(x.images, x.attributes, size=2))
    assert len(drawn) == 2 and drawn[0][0].shape == (2, 3, 16, 16)
    assert x.captions == celeba(tmp_path, size=16, seed=1).captions


def test_captions_of_celeba_are_true(tmp_path):
    small_celeba(tmp_path, n=400)
    x = celeba(tmp_path)
    for caption, row in zip(x.captions, x.attributes.tolist()):
        has = dict(zip(CELEBA_ATTRIBUTES, row))
        for word, name in (("bald", "Bald"), ("smil", "Smiling"), (r"\bman\b", "Male"),
                           ("young", "Young"), ("wavy", "Wavy_Hair"), ("glasses", "Eyeglasses"),
                           ("black", "Black_Hair"), ("hat", "Wearing_Hat"),
                           ("necktie", "Wearing_Necktie"), ("no beard", "No_Beard")):
            assert has[name] or not re.search(word, caption), caption
        assert not (has["Male"] and "woman" in caption), caption
        assert not (has["No_Beard"] and re.search(r"(?<!no )beard", caption)), caption
    assert "" not in x.captions


def spoil(root, file, change):
    path = root / file
    path.write_bytes(change(path.read_bytes()))


@pytest.mark.parametrize("file, change, error, message", [
    ("list_attr_celeba.txt", None, FileNotFoundError, "lacks list_attr_celeba.txt"),
    ("list_eval_partition.txt", None, FileNotFoundError, "lacks list_eval_partition.txt"),
    ("img_align_celeba.zip", None, FileNotFoundError, "neither img_align_celeba/ nor"),
    ("list_attr_celeba.txt", lambda data: data[:-30], ValueError, "line 11.*truncated"),
    ("list_attr_celeba.txt", lambda data: b"\n".join(data.split(b"\n")[:-3]), ValueError,
     "truncated: it has 7"),
    ("list_attr_celeba.txt", lambda data: data.replace(b"Male", b"Mail"), ValueError, "40"),
    ("list_eval_partition.txt", lambda data: data[:-20], ValueError, "truncated"),
    ("img_align_celeba.zip", lambda data: data[:-300], ValueError, "truncated, or no zip"),
    ("img_align_celeba.zip", lambda data: b"", ValueError, "truncated, or no zip"),
])
def test_missing_and_truncated_files_of_celeba_are_named(tmp_path, file, change, error, message):
    small_celeba(tmp_path, zipped=True)
    if change:
        spoil(tmp_path, file, change)
    else:
        (tmp_path / file).unlink()
    with pytest.raises(error, match=message):
        celeba(tmp_path)


def test_missing_and_damaged_pictures_of_celeba_are_named(tmp_path):
    small_celeba(tmp_path)
    for change in (lambda data: data[:len(data) // 2], lambda data: b"", lambda data: b"x" * 900):
        spoil(tmp_path, "img_align_celeba/000002.jpg", change)
        x = celeba(tmp_path)
        assert x.images[0].shape == (3, 64, 64)
        with pytest.raises(ValueError, match="000002.jpg.*damaged"):
            x.images[:2]
    (tmp_path / "img_align_celeba/000003.jpg").unlink()
    with pytest.raises(FileNotFoundError, match="lacks 1 of the 4.*000003.jpg"):
        celeba(tmp_path)
    for wrong in ({"size": 20}, {"size": 0}, {"split": "all"}):
        with pytest.raises(ValueError, match="not"):
            celeba(tmp_path, **wrong)


# ── The judge's recipe ───────────────────────────────────────────────────────────────────────────

def test_the_judge_is_made_anew_in_the_form_of_the_one_that_ships(monkeypatch, tmp_path):
    assert face_features.BUILT.parent.name == "build"
    shipped = evaluate.FACE_FEATURES.read_bytes()
    assert len(shipped) < 1e6
    monkeypatch.setattr(face_features, "BUILT", tmp_path / "build" / "face_features.safetensors")
    face_features.main(train=128, reference=320)
    made, ours = load_file(face_features.BUILT), load_file(evaluate.FACE_FEATURES)
    kinds = lambda tensors: {name: (x.shape, x.dtype) for name, x in tensors.items()}
    assert kinds(made) == kinds(ours) and evaluate.FACE_FEATURES.read_bytes() == shipped
    for tensors in (made, ours):
        assert abs(tensors["reference.covariance"].trace() - face_features.VARIANCE) < 1e-2
    monkeypatch.setattr(evaluate, "_network", lambda kind: made)
    model = face_features.FaceNet()
    model.load_state_dict({k: v for k, v in made.items() if not k.startswith("reference")})
    x = faces(320, seed=face_features.HELD_OUT).images
    assert torch.allclose(evaluate.features(x, "faces"), model.hidden(x), atol=1e-4)
    assert evaluate.fid(x, "faces") < 1e-2


def test_the_judge_learns_from_disturbed_portraits_of_all_combinations():
    x = face_features.of_all_combinations(3000, seed=1)
    share = x.attributes.double().mean(0)
    for name, expected in (("Bald", 1 / 61), ("Long_Hair", 30 / 61), ("Wearing_Hat", 48 / 61),
                           ("No_Beard", 1 / 2), ("Sunglasses", 1 / 3), ("Dark_Skin", 1 / 3)):
        assert abs(share[COLUMN[name]] - expected) < 5 * (expected * (1 - expected) / 3000) ** 0.5
    y = face_features.disturbed(x.images)
    assert y.shape == x.images.shape and y.min() >= -1 and y.max() <= 1
    assert (y - x.images).flatten(1).std(1).min() > 0.01


# ── Outlines ─────────────────────────────────────────────────────────────────────────────────────

def test_outlines_are_where_pictures_change():
    for x in (drawn().images[:100], digits().images[:100]):
        y = outlines(x)
        assert y.shape == (100, 1, *x.shape[2:]) and y.dtype == torch.float32
        assert y.min() == -1 and y.max() == 1 and -0.95 < y.mean() < 0.3
        assert torch.equal(y, outlines(x))
        assert torch.allclose(outlines(-x), y) and torch.allclose(outlines(x.flip(1)), y)
    flat = torch.full((1, 3, 8, 8), 0.4)
    assert (outlines(flat) == -1).all() and (outlines(flat + 0.1 * torch.rand(8)) == -1).all()
    step = flat.clone()
    step[..., 4:] = -1                                              # a jump of 1.4, less 0.3
    y = outlines(step)
    assert (y[..., 3] == 1).all() and (y.sum() == 8 - 7 * 8)
    one = flat.clone()
    one[:, 1, 4:] += 0.55                                            # in one channel: 0.25 is left
    assert torch.allclose(outlines(one)[0, 0, 3], torch.tensor(2 * 0.25 - 1))
    with pytest.raises(ValueError, match="channels"):
        outlines(torch.zeros(3, 8, 8))
