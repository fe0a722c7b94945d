"""Training collapse: watched for, stopped, and taken back    Brock et al. 2019, Section 4

The paper watches the largest singular values of the weights, finds that what keeps a run from
collapse costs quality, and takes a checkpoint from before it. So does `CollapseMonitor`; it also
looks at how different the samples of one class are, which is what a person sees.
"""
import copy

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_lib.core import GenerativeModel, History, fit


class Collapse(KeyboardInterrupt):
    """Stops `fit` as Ctrl-C does: its history says `interrupted`."""


@torch.no_grad()
def singular_values(model: torch.nn.Module, k: int = 3) -> dict[str, Tensor]:
    """σ_0 ≥ σ_1 ≥ … of each weight matrix, k of them    Brock et al. 2019, Section 4.1

    A kernel is a matrix with a row for each output channel. Weights as they are trained, before any
    division by σ_0. Returns name → (k,), fewer for a smaller matrix; NaN where a weight is.
    """
    values = {}
    for name, W in model.named_parameters():
        if W.ndim > 1:
            W = W.flatten(1)
            gram = W @ W.T if len(W) < W.shape[1] else W.T @ W         # σ² are its eigenvalues
            finite = torch.isfinite(gram).all()
            sigma = torch.linalg.eigvalsh(gram) if finite else torch.full((len(gram),), torch.nan)
            values[name] = sigma.flip(0)[:k].clamp(min=0).sqrt()
    return values


@torch.no_grad()
def diversity(model: GenerativeModel, y: Tensor, copies: int = 16) -> float:
    """√ mean over pixels and rows of y of the variance of samples with this y

    y: conditions, each sampled `copies` times, with a generator of its own and the weights as they
    are, not their averages. 0 where each class has one picture. NaN where samples are not finite.
    """
    average, model.ema = model.ema, None
    try:
        x = model.sample(len(y) * copies, y=y.repeat_interleave(copies, 0),
                         generator=torch.Generator().manual_seed(0))
    finally:
        model.ema = average
    return x.unflatten(0, (len(y), copies)).var(1).mean().sqrt().item()


class CollapseMonitor:
    """For `fit`'s on_step: stops a collapsing run at its last healthy weights    Brock 2019, Sec. 4

    y: the conditions whose samples are watched, with `diversity`.
    every: steps between looks. A run has collapsed where diversity falls below `least` of the most
    seen, where a σ_0 grows by more than the factor `most` from one look to the next, or where
    either is not finite.
    rows: what was seen, a dict a look. reason: why the run was stopped, or None.
    """

    def __init__(self, y: Tensor, *, every: int = 50, least: float = 0.5, most: float = 3.0):
        self.y, self.every, self.least, self.most = y, every, least, most
        self.rows: list[dict] = []
        self.step, self.reason, self.healthy = 0, None, None
        self.sigma: dict[str, float] = {}

    def __call__(self, step: int, model: GenerativeModel) -> None:
        if step % self.every:
            return
        self.step += self.every
        sigma = {name: values[0].item() for name, values in singular_values(model).items()}
        spread = diversity(model, self.y)
        best = max([row["diversity"] for row in self.rows if row["healthy"]], default=0.0)
        self.reason = self.judged(sigma, spread, best)
        self.rows.append({"step": self.step, "diversity": spread, "healthy": self.reason is None,
                          "sigma_G": max(v for k, v in sigma.items() if k.startswith("G.")),
                          "sigma_D": max(v for k, v in sigma.items() if k.startswith("D."))})
        if self.reason is None:
            self.sigma = sigma
            self.healthy = copy.deepcopy((self.step, model.state_dict(), model.ema))
            return
        found, back = self.step, self.restore(model)
        tqdm.write(f"Collapse at step {found}: {self.reason}. "
                   f"The weights are those of step {back} again.")
        raise Collapse

    def judged(self, sigma: dict[str, float], spread: float, best: float) -> str | None:
        """Why this is a collapse, or None."""
        if not spread >= self.least * best:                            # also where it is NaN
            return f"samples differ by {spread:.3f}, and by {best:.3f} at best"
        for name, value in sigma.items():
            if not value <= self.most * self.sigma.get(name, float("inf")):
                return f"σ_0 of {name} is {value:.3g}, and was {self.sigma[name]:.3g} a look before"
        return None

    def restore(self, model: GenerativeModel) -> int:
        """Puts the last healthy weights, and their averages, back. Returns their step.

        Errors: RuntimeError where no look was healthy.
        """
        if self.healthy is None:
            raise RuntimeError(f"The run was never healthy: {self.reason}; it needs a lower rate.")
        back, weights, average = copy.deepcopy(self.healthy)
        model.load_state_dict(weights)
        model.ema, self.step = average, back
        return back


def fit_with_restarts(model: GenerativeModel, batches, monitor: CollapseMonitor, *, steps: int,
                      lr: dict[str, float], factor: float = 0.1, restarts: int = 3,
                      **settings) -> list[History]:
    """`fit` that goes on from the last healthy weights after a collapse, with lr · factor

    settings: of `fit`, for all parts of the run; on_step is the monitor's. Adam starts anew.
    Returns the history of each part. Errors: RuntimeError for one collapse too many.
    """
    histories = []
    for restart in range(restarts + 1):
        rates = {name: rate * factor ** restart for name, rate in lr.items()}
        try:
            histories.append(fit(model, batches, steps=steps - monitor.step, lr=rates,
                                 on_step=monitor, **settings))
        except FloatingPointError as error:                            # the loss before the look
            monitor.reason = str(error)
            tqdm.write(f"{error} The weights are those of step {monitor.restore(model)} again.")
            continue
        if monitor.reason is None:
            return histories
    raise RuntimeError(f"Collapsed {restarts + 1} times: {monitor.reason}.")
