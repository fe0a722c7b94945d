"""How data/face_features.safetensors was made: the judge of portraits, a small network with a logit
for each attribute, and the mean and covariance of its features on 10,000 portraits.

    python -m course_lib.recipes.face_features

The judge is independent of what a generator learns from: its portraits have seeds of their own, all
combinations of attributes alike (so that a combination which a split holds out is none that the
judge has not seen), and are shifted, blurred, lightened and made noisy beyond what `faces` does, so
that it reads what a generator draws imperfectly. The metric is fixed: this writes
build/face_features.safetensors, and never over the one that ships.
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import Trainable, fit, warmup_cosine
from course_lib.data import ATTRIBUTES, Faces, batches, faces
from course_lib.data.faces import combinations

BUILT = Path(__file__).parents[2] / "build" / "face_features.safetensors"
TRAINING, HELD_OUT = 1_000_000_007, 1_000_000_009           # seeds
VARIANCE = 1000                             # of the 64 features together; those of digits have 916


class FaceNet(Trainable):
    """x → 64 features → a logit of each attribute    LeCun et al. 1998, Figure 2, with ReLU"""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 5, padding="same")
        self.conv2 = nn.Conv2d(32, 64, 3, padding="same")
        self.features = nn.Linear(64 * 4 * 4, 64)
        self.logits = nn.Linear(64, len(ATTRIBUTES))

    def hidden(self, x: Tensor) -> Tensor:           # (batch, 3, 16, 16) in [−1, 1] → (batch, 64)
        h = nnf.max_pool2d(self.conv1(x).relu(), 2)
        h = nnf.max_pool2d(self.conv2(h).relu(), 2)
        return self.features(h.flatten(1)).relu()

    def loss(self, batch, player: str) -> Tensor:
        """−Σ_a log p(a | x), the mean over the batch, in nats    Bishop 2006, eq. 4.90"""
        x, a = batch
        logits = self.logits(self.hidden(disturbed(x)))
        return nnf.binary_cross_entropy_with_logits(logits, a.float(), reduction="sum") / len(x)


def disturbed(x: Tensor) -> Tensor:
    """Each portrait, by torch's global generator, shifted by up to a pixel, blurred, lightened and
    made noisy, more or less."""
    n = len(x)
    some = lambda: torch.rand(n, 1, 1, 1, device=x.device)
    x = nnf.pad(x, (1, 1, 1, 1), mode="replicate").unfold(2, 16, 1).unfold(3, 16, 1)
    x = x[torch.arange(n), :, torch.randint(3, (n,)), torch.randint(3, (n,))]
    smooth = nnf.avg_pool2d(nnf.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    x = torch.lerp(x, smooth, 0.5 * some() * (some() < 0.5))
    x = (0.9 + 0.2 * some()) * x + 0.1 * (2 * some() - 1)
    return (x + 0.25 * some() * torch.randn_like(x)).clamp(-1, 1)


def of_all_combinations(n: int, seed: int) -> Faces:
    """Portraits whose combination of attributes is any, with the same probability."""
    table, _ = combinations()
    rows = table[torch.randint(len(table), (n,), generator=torch.Generator().manual_seed(seed))]
    return faces(n, seed=seed, attributes=dict(zip(ATTRIBUTES, rows.T)))


def hidden(model: FaceNet, x: Tensor) -> Tensor:
    """All features (n, 64), float64."""
    return torch.cat([model.hidden(part) for part in x.split(1000)]).double()


def face_features(train: Faces, reference: Faces, *, epochs: int = 12) -> dict[str, Tensor]:
    """The file's tensors: weights, and μ, Σ of `reference`'s features    Heusel et al. 2017, eq. 6

    train: at least 64 portraits. reference.mean (64,) and reference.covariance (64, 64) are
    float64. The features are scaled to VARIANCE.
    """
    torch.manual_seed(0)
    model = FaceNet()
    fit(model, batches(train.images, train.attributes, size=64),
        steps=epochs * (len(train.images) // 64), lr=2e-3, schedule=warmup_cosine())
    model.to("cpu")
    with torch.no_grad():
        h = hidden(model, reference.images)
        # ReLU commutes with a scale, so that the logits stay; the distances get the digits' order.
        scale = (VARIANCE / h.T.cov().trace()).sqrt().float()
        model.features.weight *= scale
        model.features.bias *= scale
        model.logits.weight /= scale
        h = hidden(model, reference.images)
        right = ((model.logits(h.float()) > 0) == reference.attributes).double().mean(0)
    worst = int(right.argmin())
    print(f"Of the {len(h):,} portraits of reference {right.mean():.2%} of the attributes are read "
          f"right, {right[worst]:.2%} of {ATTRIBUTES[worst]}.")
    return model.state_dict() | {"reference.mean": h.mean(0), "reference.covariance": h.T.cov()}


def main(train: int = 60_000, reference: int = 10_000) -> None:
    """Trains on so many portraits, and writes to build/."""
    tensors = face_features(of_all_combinations(train, TRAINING),
                            faces(reference, seed=HELD_OUT))
    BUILT.parent.mkdir(exist_ok=True)
    save_file(tensors, str(BUILT))
    print(f"{BUILT} is written. The one that ships stays: FIDs on two networks do not compare.")


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main()
