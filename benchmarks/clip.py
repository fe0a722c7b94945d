"""CLIP of drawn portraits, three seeds: what it recognises without labels, whether it finds a
picture's caption, and how near its scores come to what the loss asks for, log p(x, y)/(p(x) p(y)).

    python benchmarks/clip.py

Seed 0 ships; the others are those of benchmarks/unclip.py, trained where build/ does not hold them.
A caption's words follow from a portrait's attributes by known chances (`SAID`), so that the ratio
of attributes and captions, their mutual information, and the best that anybody could do are exact.

clip.csv: portraits of combinations seen in training, and of never-seen ones; for these the ratio is
that of all portraits. caption_found, picture_found: its own among 100, top 1. best_caption,
best_picture: of who knows all attributes and takes the largest ratio; any_true: of who takes, by
lot, one of the captions that are true of the picture. cosine_pairs, cosine_others: mean z_iᵀz_t;
gap: ‖E z_i − E z_t‖, the modality gap. ratio_error, ratio_correlation: of s and the log ratio, the
standard deviation of their difference, over all pairs of which the caption is true; below: the
share of pairs of which it is not whose s lies below the mean of those of which it is.
clip_groups.csv: zero_shot, among the members of a group that captions name; with_none: with "a
person" as the prompt for who has none; probe: among all, logistic regression on 5,000 z_i;
commonest: of who always says what is commonest.
clip_bound.csv: log n − L, of CLIP and with the log ratio as s; information: I(attributes; y), which
I(x; y) cannot exceed, and its standard error. Nats; all sizes of a batch see the same pairs.
clip_ratio.csv: 6 pictures, 8 captions, a joint distribution drawn at random, learned from batches
of n pairs, as many of each size: largest and mean |s − log ratio − c|, c the mean; by what s is.
"""
import math
import time

import torch
from common import write
from torch import nn
from torch.nn import functional as nnf
from unclip import path, train

from course_lib.core import load, warmup_cosine
from course_lib.data import ATTRIBUTES
from course_lib.data.captions import named
from course_lib.data.faces import GROUPS, combinations
from course_lib.data.held_out import HELD_OUT, seen, unseen
from course_lib.diffusion.clip import similarities, symmetric_loss, zero_shot
from course_lib.recipes.clip import faces_clip

TABLES = {"clip": ["captions"], "clip_groups": ["captions", "group"],
          "clip_bound": ["n"], "clip_ratio": ["s", "n"]}
SEEDS = (0, 1, 2)
# How often captions.py says what is there; of hair its length is said with or without a colour.
SAID = {"beard": 0.85, "no beard": 0.15, "mouth": 0.8, "glasses": 0.85, "earrings": 0.8,
        "skin": 0.5, "shirt": 0.5, "background": 0.4}
PROMPTS = {
    "hair": {**{f"{c}_Hair": f"a person with {c.lower()} hair" for c in
                ("Black", "Blond", "Brown", "Gray", "Red", "Blue")}, "Bald": "a bald person"},
    "length": {"Long_Hair": "a person with long hair", None: "a person with short hair"},
    "beard": {"No_Beard": "a person with no beard", None: "a person with a beard"},
    "mouth": {"Smiling": "a smiling person", "Frowning": "a frowning person"},
    "glasses": {"Eyeglasses": "a person wearing glasses",
                "Sunglasses": "a person wearing sunglasses"},
    "earrings": {"Wearing_Earrings": "a person wearing earrings"},
    "hat": {f"{c}_Hat": f"a person wearing a {c.lower()} hat" for c in
            ("Red", "Blue", "Green", "Purple")},
    "skin": {f"{c}_Skin": f"a person with {c.lower()} skin" for c in ("Light", "Tan", "Dark")},
    "shirt": {f"{c}_Shirt": f"a person wearing a {c.lower()} shirt" for c in
              ("Red", "Blue", "Green", "Yellow")},
    "background": {f"{c}_Background": f"a person on a {c.lower()} background" for c in
                   ("Blue", "Pink", "Green", "Violet")},
}


def members(attributes):
    """Of each group which member a portrait has, {group: (n,)}; none has the number of None."""
    found = {}
    for group, names in GROUPS.items():
        names = list(names)
        found[group] = torch.full((len(attributes),), names.index(None) if None in names else 0)
        for i, name in enumerate(names):
            if name:
                found[group][attributes[:, ATTRIBUTES.index(name)]] = i
    return found


def one_hot(attributes):
    """(n, all members of all groups), float64."""
    return torch.cat([nnf.one_hot(which, len(GROUPS[group])).double()
                      for group, which in members(attributes).items()], 1)


def chances(says, group, name):
    """p(what a caption says of a group | the portrait's member is `name`), but for its wording."""
    said = [other for other in GROUPS[group] if other and says.get(other)]
    if group == "hair":
        length = "Long_Hair" in says
        if said:
            return 0.0 if name != said[0] else 0.85 * (
                1 if name == "Bald" else 0.6 if length else 0.4)
        return 0.15 * ((not length) if name == "Bald" else 0.5)
    if group == "length":
        return float(says.get("Long_Hair", name == "Long_Hair") == (name == "Long_Hair"))
    if group == "beard":
        share = SAID["no beard" if name else "beard"]
        return 1 - share if "No_Beard" not in says else share * (says["No_Beard"] == bool(name))
    if group == "hat":
        if "Wearing_Hat" not in says:
            return 0.15 if name else 1.0
        return 0.0 if not name else 0.85 * (0.8 * (said[0] == name) if said else 0.2)
    if name is None:
        return float(not said)
    return SAID[group] * (said[0] == name) if said else 1 - SAID[group]


def log_chances(captions):
    """log p(caption | member), (n, all members), float64; what is impossible is −1000."""
    said = [named(caption) for caption in captions]
    rows = [[chances(says, group, name) for group, names in GROUPS.items() for name in names]
            for says in said]
    return torch.tensor(rows, dtype=torch.float64).log().clamp(min=-1000)


def log_evidence(given, without=HELD_OUT):
    """log p(caption) among portraits with none of the combinations `without`, (n,)."""
    table, weights = combinations()
    for held in without:
        columns = [ATTRIBUTES.index(name) for name in held]
        has = (table[:, columns] == torch.tensor([*held.values()])).all(1)
        weights = weights.where(~has, 0)
    table, weights = table[weights > 0], weights[weights > 0] / weights.sum()
    every = one_hot(table)
    return torch.cat([(weights @ (every @ part.T).exp()).log() for part in given.split(128)])


def log_ratios(attributes, given, evidence):
    """log p(x, y)/(p(x) p(y)) of every portrait with every caption; −inf where it is not true."""
    ratio = one_hot(attributes) @ given.T - evidence
    return ratio.where(ratio > -500, -math.inf)


def hits(s):
    """The share of rows whose largest number is on the diagonal."""
    return (s.argmax(1) == torch.arange(len(s))).double().mean().item()


def alignment(model, data, z_i, z_t, given, evidence):
    """A row of clip.csv."""
    found = {"caption_found": [], "picture_found": [], "best_caption": [], "best_picture": [],
             "any_true": [], "promised": []}
    s_true, r_true, s_false = [], [], []
    for k in range(0, len(z_i), 100):
        part = slice(k, k + 100)
        s = similarities(z_i[part], z_t[part], model.scale).double()
        r = log_ratios(data.attributes[part], given[part], evidence[part])
        true = r.isfinite()
        assert true.diagonal().all()
        found["caption_found"].append(hits(s))
        found["picture_found"].append(hits(s.T))
        found["any_true"].append((1 / true.sum(1)).mean().item())
        found["best_caption"].append(hits(r))
        found["best_picture"].append(hits(r.T))
        found["promised"].append(r.softmax(1).max(1).values.mean().item())
        s_true.append(s[true])
        r_true.append(r[true])
        s_false.append(s[~true])
    s, r, false = torch.cat(s_true), torch.cat(r_true), torch.cat(s_false)
    mean = {name: sum(values) / len(values) for name, values in found.items()}
    print("best", mean["best_caption"], "promised by p(y | x)", mean.pop("promised"), flush=True)
    cosines, n = (z_i @ z_t.T).double(), len(z_i)
    pairs = cosines.diagonal().sum()
    return mean | {"scale": model.scale.item(), "cosine_pairs": (pairs / n).item(),
                   "cosine_others": ((cosines.sum() - pairs) / (n * n - n)).item(),
                   "gap": (z_i.mean(0) - z_t.mean(0)).norm().item(),
                   "ratio_error": (s - r).std().item(),
                   "ratio_correlation": torch.corrcoef(torch.stack([s, r]))[0, 1].item(),
                   "below": (false < s.mean()).double().mean().item()}


def probe(z, y, z_test, y_test, classes):
    """Logistic regression on z with a slight penalty; the share right on the test set."""
    linear = nn.Linear(z.shape[1], classes)
    nn.init.zeros_(linear.weight)
    optimiser = torch.optim.LBFGS(linear.parameters(), max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimiser.zero_grad()
        loss = nnf.cross_entropy(linear(z), y) + 1e-5 * linear.weight.square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimiser.step(closure)
    return [(linear(test).argmax(1) == y).double().mean().item()
            for test, y in zip(z_test, y_test)]


def groups(model, training, sets):
    """Rows of clip_groups.csv."""
    rows, z, which = [], model.embed_image(training.images), members(training.attributes)
    embedded = {kind: model.embed_image(data.images) for kind, data in sets.items()}
    belongs = {kind: members(data.attributes) for kind, data in sets.items()}
    for group, prompts in PROMPTS.items():
        names = list(GROUPS[group])
        order = torch.tensor([names.index(name) for name in prompts])
        z_t = model.embed_text([*prompts.values()])
        probed = probe(z, which[group], embedded.values(), [b[group] for b in belongs.values()],
                       len(names))
        for kind, right in zip(sets, probed):
            truth = belongs[kind][group]
            said = order[zero_shot(embedded[kind], z_t).argmax(1)]
            can = torch.isin(truth, order)
            if group == "length":                                   # a bald head has no length
                can &= belongs[kind]["hair"] > 0
            row = {"captions": kind, "group": group, "classes": len(prompts), "n": int(can.sum()),
                   "zero_shot": (said == truth)[can].double().mean().item()
                   if len(prompts) > 1 else "", "with_none": ""}
            if not can.all() and group != "length":
                z_all = torch.cat([z_t, model.embed_text("a person")])
                with_none = torch.cat([order, torch.tensor([names.index(None)])])
                said = with_none[zero_shot(embedded[kind], z_all).argmax(1)]
                row["with_none"] = (said == truth).double().mean().item()
            counts = truth[can].bincount() if row["zero_shot"] != "" else truth.bincount()
            rows.append(row | {"probe": right, "commonest": (counts.max() / counts.sum()).item()})
    return rows


def bounds(model, data, z_i, z_t, given, evidence):
    """Rows of clip_bound.csv: every size of a batch sees all the pairs."""
    ratio = lambda a, b: log_ratios(data.attributes[a:b], given[a:b], evidence[a:b])
    information = torch.cat([ratio(k, k + 256).diagonal() for k in range(0, len(z_i), 256)])
    rows, n = [], 2
    while n <= 1024:
        of_clip, exact = [], []
        for k in range(0, len(z_i) - n + 1, n):
            s = similarities(z_i[k:k + n], z_t[k:k + n], model.scale)
            of_clip.append(symmetric_loss(s).item())
            exact.append(symmetric_loss(ratio(k, k + n)).item())
        mean = lambda losses: sum(losses) / len(losses)
        rows.append({"n": n, "log_n": math.log(n), "loss": mean(of_clip),
                     "bound": math.log(n) - mean(of_clip),
                     "bound_of_ratio": math.log(n) - mean(exact),
                     "information": information.mean().item(),
                     "information_error": (information.std() / len(information) ** 0.5).item()})
        n *= 2
    return rows


class Table(nn.Module):
    """s(x, y): a number for each pair."""

    def __init__(self, n, m):
        super().__init__()
        self.s = nn.Parameter(torch.zeros(n, m))

    def forward(self):
        return self.s


class Units(nn.Module):
    """s(x, y) = scale · z_i(x)ᵀ z_t(y), unit vectors of d numbers."""

    def __init__(self, n, m, d):
        super().__init__()
        self.z_i, self.z_t = (nn.Parameter(torch.randn(k, d)) for k in (n, m))
        self.logit_scale = nn.Parameter(torch.tensor(1.0))

    def forward(self):
        return similarities(nnf.normalize(self.z_i, dim=1), nnf.normalize(self.z_t, dim=1),
                            self.logit_scale.exp())


def ratio_learned(kind, n, seed, steps=6000):
    """A row of clip_ratio.csv."""
    torch.manual_seed(seed)
    p = torch.distributions.Dirichlet(torch.full((48,), 2.0)).sample().view(6, 8)
    ratio = (p / (p.sum(1, keepdim=True) * p.sum(0))).log()
    model = {"a table": Table, "unit vectors, d = 8": lambda *a: Units(*a, 8),
             "unit vectors, d = 2": lambda *a: Units(*a, 2)}[kind](6, 8)
    optimiser, factor = torch.optim.Adam(model.parameters(), lr=0.03), warmup_cosine()
    drawn = p.flatten().multinomial(steps * n, replacement=True).view(steps, n)
    for step, pairs in enumerate(drawn):
        optimiser.param_groups[0]["lr"] = 0.03 * factor(step / steps)
        optimiser.zero_grad()
        symmetric_loss(model()[pairs // 8][:, pairs % 8]).backward()
        optimiser.step()
    error = (model().detach() - ratio).double()
    error = (error - error.mean()).abs()
    return {"s": kind, "n": n, "seed": seed, "steps": steps, "largest_error": error.max().item(),
            "mean_error": error.mean().item(), "largest_ratio": ratio.abs().max().item()}


def main():
    start = time.process_time()
    write("clip_ratio", [ratio_learned(kind, n, seed) for kind in
                         ("a table", "unit vectors, d = 8", "unit vectors, d = 2")
                         for n in (2, 16, 256) for seed in SEEDS])
    print("ratio", time.process_time() - start, flush=True)
    sets = {"seen": seen(4096, seed=811), "never seen": unseen(2000, seed=812)}
    training = seen(5000, seed=813)
    given = {kind: log_chances(data.captions) for kind, data in sets.items()}
    evidence = {kind: log_evidence(given[kind], HELD_OUT if kind == "seen" else ())
                for kind in sets}
    print("evidence", time.process_time() - start, flush=True)
    aligned, grouped, bound = [], [], []
    for seed in SEEDS:
        if not path(seed, "clip_faces").exists():
            train(seed)
        model = load(faces_clip(), path(seed, "clip_faces")).eval()
        with torch.no_grad():
            for kind, data in sets.items():
                z_i, z_t = model.embed_image(data.images), model.embed_text(data.captions)
                n = min(len(z_i), 2000)                                    # in hundreds
                few = type(data)(data.images[:n], data.attributes[:n], data.captions[:n])
                aligned.append({"captions": kind, "seed": seed, "n": n} | alignment(
                    model, few, z_i[:n], z_t[:n], given[kind][:n], evidence[kind][:n]))
                print(aligned[-1], flush=True)
                if kind == "seen":
                    rows = bounds(model, data, z_i, z_t, given[kind], evidence[kind])
                    bound += [{"n": row["n"], "seed": seed} | row for row in rows]
            grouped += [{"captions": row["captions"], "group": row["group"], "seed": seed} | row
                        for row in groups(model, training, sets)]
        print(seed, time.process_time() - start, flush=True)
    write("clip", aligned)
    write("clip_groups", grouped)
    write("clip_bound", bound)


if __name__ == "__main__":
    main()
