"""Truncation on digits, class-conditional: what is gained in precision is lost in recall.

FID of 5,000 samples; precision and recall of 2,000, with a class drawn for each. The model that
ships; biggan_ablation.py adds the curves of two shorter runs, with and without orthogonal
regularisation.
"""
import torch
from common import write

from course_lib.core import load
from course_lib.data import digits
from course_lib.evaluate import classify, features, fid, precision_recall
from course_lib.gan.biggan import BigGAN
from course_lib.recipes import weights
from course_lib.recipes.biggan import digits_biggan

TABLES = {"biggan_truncation": ["weights", "threshold"]}
THRESHOLDS = [0.2, 0.5, 1.0, 1.5, 2.0, None]


def curve(name: str, model: BigGAN) -> list[dict]:
    real, y, rows = features(digits().images[:2000]), torch.arange(5000) % 10, []
    for threshold in THRESHOLDS:
        x = model.sample(5000, y=y, threshold=threshold, generator=torch.Generator().manual_seed(0))
        precision, recall = precision_recall(real, features(x[:2000]))
        shown = (classify(x).argmax(1) == y).float().mean().item()
        rows.append({"weights": name, "threshold": threshold or "none", "fid": fid(x),
                     "precision": precision, "recall": recall, "class_shown": shown})
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    shipped = load(digits_biggan(), weights("biggan_digits"))
    write("biggan_truncation", curve("ships", shipped), ("weights", "threshold"))
