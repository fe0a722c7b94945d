"""Does the picture show what the caption says? unCLIP of drawn portraits, judged by a
classifier that learned from other portraits (`course_lib.evaluate.attributes`).

    python benchmarks/unclip.py              all; trains only the seeds that build/ does not hold
    python benchmarks/unclip.py train 1      one seed's CLIP, priors and decoder, into build/
    python benchmarks/unclip.py align 1      its rows of unclip.csv, into build/
    python benchmarks/unclip.py guide 0      its rows of unclip_guidance.csv, into build/
    python benchmarks/unclip.py tables       the files in results/, of what build/ holds

Seed 0 is what ships; results/ has what is measured so far. Pictures: 25 steps, w = 1 but in
unclip_guidance.csv.

unclip.csv: the shares of named attributes that are read as said, and of captions with all of them
right; for captions of combinations seen in training, of combinations never seen, and in wordings
never read. By what the decoder is given, with the caption (z_t as text) or without: the prior's
z_i, with the guidance that it has by default or without (w=0), the regression's E[z_i | z_t], z_t
in z_i's place, the caption alone, and the true z_i, of a portrait that the caption describes; and
for real portraits, where what is wrong is the judge's. n: captions.
unclip_attributes.csv: attribute by attribute, with the prior and the caption, all seeds together.
unclip_guidance.csv, seed 0: the decoder's w against fidelity and diversity, with the prior and with
the caption alone, in GLIDE's place (Ramesh et al. 2022, Figures 9 to 11). distance: mean pairwise
distance of the features of 8 pictures of one caption, of 50 captions; real: of 8 portraits that
have what the caption names. FID of 2,000 pictures, which is higher than of 5,000 (face_bars.csv).
unclip_cost.csv: training on one thread of a busy machine, size, and seconds of four pictures.
"""
import csv
import json
import random
import sys
import time
import warnings
from itertools import compress
from pathlib import Path

import torch
from common import write

from course_lib.core import load, save
from course_lib.data import ATTRIBUTES, faces
from course_lib.data.captions import named, reworded
from course_lib.data.held_out import HELD_OUT, seen, unseen
from course_lib.diffusion.unclip import UnCLIP
from course_lib.evaluate import attributes, features, fid, parameters, precision_recall
from course_lib.recipes import weights
from course_lib.recipes.clip import faces_clip, train_faces
from course_lib.recipes.unclip import (
    faces_decoder,
    faces_prior,
    faces_regression,
    train_decoder,
    train_prior,
)

TABLES = {"unclip": ["captions", "given", "text"],
          "unclip_attributes": ["captions", "attribute"],
          "unclip_guidance": ["given", "w"], "unclip_cost": ["part"]}
SEEDS, SCALES = (0, 1, 2), (0.0, 0.5, 1.0, 2.0, 4.0)
BUILD = Path(__file__).parents[1] / "build"
PARTS = {"clip_faces": (faces_clip, train_faces), "prior_faces": (faces_prior, train_prior),
         "regression": (faces_regression, train_prior),
         "decoder_faces": (faces_decoder, train_decoder)}
WAYS = (("prior", True), ("prior w=0", True), ("prior w=0", False), ("regression", True),
        ("z_t", True), ("z_t", False), ("none", True), ("true z_i", True))


def path(seed, name):
    """Where a part's weights lie; seed 0 is what ships, but for the regression, which does not."""
    if seed == 0 and name != "regression":
        return weights(name)
    return BUILD / f"unclip_{seed}" / f"{name}.safetensors"


def train(seed):
    """What is missing of a seed, into build/unclip_<seed>/, with a row of what it cost."""
    (BUILD / f"unclip_{seed}").mkdir(parents=True, exist_ok=True)
    for name, (make, run) in PARTS.items():
        if path(seed, name).exists():
            continue
        torch.manual_seed(seed)
        model, cpu, wall = make(), time.process_time(), time.perf_counter()
        given = () if name == "clip_faces" else (load(faces_clip(), path(seed, "clip_faces")),)
        history = run(model, *given, seed=seed)
        row = {"part": name, "seed": seed, "steps": history.steps,
               "seconds_cpu": time.process_time() - cpu, "seconds": time.perf_counter() - wall}
        with model.averaged():
            save(model, path(seed, name))
        with open(path(seed, name).with_suffix(".csv"), "w", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerow(row)
        print(row, flush=True)


def unclip(seed):
    """The model of a seed; its regression beside it."""
    parts = {name: load(make(), path(seed, name)) for name, (make, _) in PARTS.items()}
    model = UnCLIP(*(parts[f"{name}_faces"] for name in ("clip", "prior", "decoder")))
    return model.eval(), parts["regression"].eval()


def sets():
    """Portraits and captions: of seen combinations, of never-seen ones, in wordings never read."""
    old, new, other = seen(1000, seed=801), unseen(1000, seed=802), seen(500, seed=803)
    rng = random.Random(0)
    words = [reworded(set(compress(ATTRIBUTES, row)), rng, strange=i % 2 == 1)
             for i, row in enumerate(other.attributes.tolist())]
    return {"seen": (old.images, old.captions), "never seen": (new.images, new.captions),
            "unseen wordings": (other.images, words)}


def judged(x, captions):
    """Which attributes are named (n, A), and which of those are read as said (n, A)."""
    which = torch.zeros(len(captions), len(ATTRIBUTES), dtype=torch.bool)
    value = which.clone()
    for row, caption in enumerate(captions):
        for name, v in named(caption).items():
            which[row, ATTRIBUTES.index(name)] = True
            value[row, ATTRIBUTES.index(name)] = v
    return which, ((attributes(x) > 0) == value) & which


def shares(which, right):
    return {"named_right": (right.sum() / which.sum()).item(),
            "captions_right": (right == which).all(1).float().mean().item()}


def image_embedding(model, regression, given, z_t, x, generator):
    """What the decoder is given as z_i, (n, d), or None."""
    if given == "prior":
        return model.prior.sample(len(z_t), y=z_t, generator=generator)
    if given == "prior w=0":
        return model.prior.sample(len(z_t), y=z_t, w=0.0, generator=generator)
    if given == "regression":
        return regression.sample(len(z_t), y=z_t)
    if given == "true z_i":
        return model.clip.embed_image(x)
    return z_t if given == "z_t" else None


@torch.no_grad()
def pictures(model, regression, given, text, captions, x=None, *, w=1.0, seed=0):
    """A picture of each caption, in batches of 500; x: portraits that the captions are of."""
    generator, out = torch.Generator().manual_seed(seed), []
    for i in range(0, len(captions), 500):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                             # words never read
            z_t = model.clip.embed_text(captions[i:i + 500])
        z_i = image_embedding(model, regression, given, z_t, None if x is None else x[i:i + 500],
                              generator)
        out.append(model.decoder.sample(len(z_t), y=z_i, text=z_t if text else None, w=w, steps=25,
                                        generator=generator))
    return torch.cat(out)


def align(seed):
    model, regression = unclip(seed)
    rows, of_each = [], []
    for kind, (x, captions) in sets().items():
        for given, text in (("real portraits", False), *WAYS):
            made = x if given == "real portraits" else \
                pictures(model, regression, given, text, captions, x, seed=seed)
            which, right = judged(made, captions)
            rows.append({"captions": kind, "given": given, "text": text, "seed": seed,
                         "n": len(captions)} | shares(which, right))
            print(rows[-1], flush=True)
            if (given, text) in (("prior", True), ("real portraits", False)):
                of_each += [{"captions": kind, "given": given, "attribute": name,
                             "named": int(which[:, k].sum()), "right": int(right[:, k].sum())}
                            for k, name in enumerate(ATTRIBUTES)]
            if kind == "never seen" and (given, text) in (("prior", True), ("true z_i", True)):
                for k, held in enumerate(HELD_OUT):                     # of the combination itself
                    index = [ATTRIBUTES.index(name) for name in held]
                    print(given, list(held), right[k::8][:, index].float().mean(0).tolist(),
                          right[k::8][:, index].all(1).float().mean().item(), flush=True)
    return {"rows": rows, "of_each": of_each}


def spread(x):
    """E‖h(x) − h(x')‖ over the pairs of 8 pictures of one caption, (8 n, 3, 16, 16)."""
    h = features(x, "faces").unflatten(0, (-1, 8))
    return (torch.cdist(h, h).sum((1, 2)) / 56).mean().item()


def guide(seed, n=2000):
    model, regression = unclip(seed)
    data = seen(n, seed=804)
    few = [caption for caption in data.captions if named(caption)][:50]
    eight = [caption for caption in few for _ in range(8)]
    manifold = features(seen(5000, seed=805).images, "faces")
    rows = []
    for given, w in (("real portraits", ""), *((given, w) for w in SCALES
                                               for given in ("prior", "none"))):
        if given == "real portraits":
            x, y = data.images, torch.cat([
                faces(8, seed=i, attributes=named(caption), without=HELD_OUT).images
                for i, caption in enumerate(few)])
        else:
            x, y = (pictures(model, regression, given, True, captions, w=w, seed=seed)
                    for captions in (data.captions, eight))
        precision, recall = precision_recall(manifold, features(x, "faces"))
        rows.append({"given": given, "w": w, "seed": seed, "n": n}
                    | shares(*judged(x, data.captions))
                    | {"fid": fid(x, "faces"), "precision": precision, "recall": recall,
                       "distance": spread(y)})
        print(rows[-1], flush=True)
    return {"rows": rows}


def cost(seed):
    """What the parts took to train, where that is known, and what four pictures take."""
    model, regression = unclip(seed)
    parts = {"clip_faces": model.clip, "prior_faces": model.prior, "regression": regression,
             "decoder_faces": model.decoder}
    times = []
    for _ in range(6):
        start = time.process_time()
        model.sample(4, y="a smiling person with red hair", generator=torch.Generator())
        times.append(time.process_time() - start)
    rows = []
    for name, part in parts.items():
        log = path(seed, name).with_suffix(".csv") if seed or name == "regression" else None
        known = next(csv.DictReader(log.open())) if log else {}
        trained = {key: known.get(key, "") for key in ("steps", "seconds_cpu", "seconds")}
        rows.append({"part": name, "seed": seed} | trained | {
                     "parameters": parameters(part),
                     "kb": path(seed, name).stat().st_size / 1000, "seconds_of_four": ""})
    whole = [row for row in rows if row["part"] != "regression"]
    total = lambda key: sum(float(row[key]) for row in whole) if seed else ""
    return [*rows, {"part": "all that ships", "seed": seed, "steps": total("steps"),
                    "seconds_cpu": total("seconds_cpu"), "seconds": total("seconds"),
                    "parameters": sum(row["parameters"] for row in whole),
                    "kb": sum(row["kb"] for row in whole),
                    "seconds_of_four": sorted(times[1:])[2]}]


def kept(what, seed):
    """The measures of a seed that build/ holds, or None."""
    file = BUILD / f"unclip_{seed}" / f"{what}.json"
    return json.loads(file.read_text()) if file.exists() else None


def measure(what, seed):
    found = {"align": align, "guide": guide}[what](seed)
    (BUILD / f"unclip_{seed}" / f"{what}.json").write_text(json.dumps(found))


def tables():
    found = [one for seed in SEEDS if (one := kept("align", seed))]
    write("unclip", [row for one in found for row in one["rows"]])
    rows = []
    for kind in dict.fromkeys(row["captions"] for row in found[0]["rows"]):
        for name in ATTRIBUTES:
            of = {given: [part for one in found for part in one["of_each"] if part["named"] and
                          (part["captions"], part["attribute"], part["given"]) ==
                          (kind, name, given)] for given in ("prior", "real portraits")}
            if of["prior"]:
                share = {given: [part["right"] / part["named"] for part in parts]
                         for given, parts in of.items()}
                rows.append({"captions": kind, "attribute": name,
                             "named": of["prior"][0]["named"], "seeds": len(of["prior"]),
                             "right": sum(share["prior"]) / len(share["prior"]),
                             "right_worst_seed": min(share["prior"]),
                             "right_in_real": share["real portraits"][0]})
    if rows:
        write("unclip_attributes", rows)
    guided = [row for seed in SEEDS if (one := kept("guide", seed)) for row in one["rows"]]
    if guided:
        write("unclip_guidance", guided)
    write("unclip_cost", [row for seed in SEEDS if kept("align", seed) for row in cost(seed)])


if __name__ == "__main__":
    steps = {"train": train, "align": lambda seed: measure("align", seed),
             "guide": lambda seed: measure("guide", seed)}
    match sys.argv[1:]:
        case []:
            for seed in SEEDS:
                train(seed)
                measure("align", seed)
            measure("guide", 0)
            tables()
        case ["tables"]:
            tables()
        case [step, *seeds] if step in steps:
            for seed in seeds:
                steps[step](int(seed))
        case _:
            sys.exit(__doc__)
