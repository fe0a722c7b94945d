"""The classifiers whose features DeePSiM inverts, and the inverters: of digits and of portraits."""
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from course_lib.core import History, Trainable, fit, warmup_cosine
from course_lib.data import ATTRIBUTES, batches, digits, faces
from course_lib.gan.deepsim import DeePSiM
from course_lib.nets import CodeD, ConvE, UpconvG
from course_lib.recipes import Recipe


class Classifier(Trainable):
    """−log p(y | x), E: x → logits    Bishop 2006, eqs. 4.90 (attributes, bool) and 4.108 (classes)

    The mean over the batch, in nats; over attributes too. Trained on pictures as they are: one that
    has seen noise, or shifted pictures, is harder to fool.
    """

    def __init__(self, E: nn.Module):
        super().__init__()
        self.E = E

    def loss(self, batch: tuple[Tensor, Tensor], player: str) -> Tensor:
        x, y = batch
        logits = self.E(x)
        if y.dtype == torch.bool:
            return nnf.binary_cross_entropy_with_logits(logits, y.float())
        return nnf.cross_entropy(logits, y)


def digits_deepsim() -> DeePSiM:
    """An inverter of 64 features of digits, (batch, 1, 28, 28)    Dosovitskiy & Brox 2016"""
    return DeePSiM(ConvE(), UpconvG(), CodeD())


def faces_deepsim() -> DeePSiM:
    """An inverter of 176 features of portraits, (batch, 3, 16, 16)    Dosovitskiy & Brox 2016"""
    E = ConvE(3, 16, len(ATTRIBUTES), n_h=176, width=24)
    return DeePSiM(E, UpconvG(3, 16, 176), CodeD(3, 16, 176), lam_feat=0.1, lam_adv=0.02,
                   lam_img=3.0)


def train(model: DeePSiM, x: Tensor, y: Tensor, *, classifier_steps: int, steps: int,
          seed: int = 0) -> History:
    """E on (x, y), σ of x's codes, then G against D    Dosovitskiy & Brox 2016, Section 4

    The run of the benchmark and the shipped weights. Departs from the paper: Adam's rate 1e-3 falls
    as half a cosine, one turn of D for each of G, averaged weights.
    """
    fit(Classifier(model.E), batches(x, y, size=64), steps=classifier_steps, lr=2e-3,
        schedule=warmup_cosine(), seed=seed)
    model.measure(x[:5000])
    return fit(model, batches(x, size=64), steps=steps, lr=1e-3, betas=(0.5, 0.99),
               schedule=warmup_cosine(), ema=0.995, seed=seed)


def train_digits(model: DeePSiM, *, classifier_steps: int = 1500, steps: int = 3000,
                 seed: int = 0) -> History:
    """On 10,000 digits, as `train`    Dosovitskiy & Brox 2016, Section 4"""
    data = digits()
    return train(model, data.images, data.labels, classifier_steps=classifier_steps, steps=steps,
                 seed=seed)


def train_faces(model: DeePSiM, *, classifier_steps: int = 1800, steps: int = 3000,
                seed: int = 0) -> History:
    """On 20,000 portraits, as `train`    Dosovitskiy & Brox 2016, Section 4"""
    images, attributes, _ = faces(20_000, seed=1)
    return train(model, images, attributes, classifier_steps=classifier_steps, steps=steps,
                 seed=seed)


RECIPES = {"deepsim_digits": Recipe(digits_deepsim, train_digits,
                                    "a classifier of digits and the inverter of its features"),
           "deepsim_faces": Recipe(faces_deepsim, train_faces,
                                   "the same of portraits and their attributes")}
