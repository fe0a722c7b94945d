"""Training is a game: a model names its players and their losses, and one loop, `fit`, trains all.
A GAN has two players (Goodfellow et al. 2014, Algorithm 1); maximum likelihood is the game of one.
"""
import copy
import functools
import math
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer
from tqdm.auto import tqdm

# What seconds are counted by, in `fit` and in `evaluate.score`. A benchmark on one thread sets
# core.clock = time.process_time, so that other programs of the machine don't count.
clock = time.perf_counter


class Trainable(nn.Module):
    """A game: each player descends its own loss over its own parameters (GAN, 2014, Section 3)."""

    ema: dict[str, torch.Tensor] | None = None      # averages of the weights, where `fit` kept them

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Name -> parameters of each player, in order of play; one owns all unless overridden."""
        return {"model": list(self.parameters())}

    def loss(self, batch, player: str) -> torch.Tensor:
        """The scalar that `player` minimises on `batch`. It draws from torch's global generator."""
        raise NotImplementedError

    @contextmanager
    def averaged(self):
        """Within this context the weights are their running averages, where there are any."""
        if self.ema is None:
            yield
            return
        average, self.ema = self.ema, None
        trained = copy.deepcopy(self.state_dict())
        self.load_state_dict(average)
        try:
            yield
        finally:
            self.load_state_dict(trained)
            self.ema = average

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class GenerativeModel(Trainable):
    """A `Trainable` that samples. Where its family has one, it also has `log_prob(x)` (exact) or
    `elbo(x)` (a lower bound), in nats an image, shape (batch,). A GAN has neither."""

    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> torch.Tensor:
        """n samples, images in [-1, 1]. Implementations carry the decorator `sampling`."""
        raise NotImplementedError


def sampling(sample: Callable) -> Callable:
    """Decorates `sample`: no gradients, evaluation mode, averaged weights where there are any."""
    @functools.wraps(sample)
    def wrapped(self, *args, **named):
        mode = self.training
        try:
            with torch.no_grad(), self.averaged():
                return sample(self.eval(), *args, **named)
        finally:
            self.train(mode)
    return wrapped


def noise_like(x: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
    """z ~ N(0, I) of x's shape, dtype and device, drawn on the CPU: a seed means one z."""
    return torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device)


@dataclass
class History:
    """What `fit` saw: each player's losses in order of play, steps done, seconds of training."""

    losses: dict[str, list[float]] = field(default_factory=dict)
    steps: int = 0
    seconds: float = 0.0
    interrupted: bool = False


def best_device() -> torch.device:
    """CUDA, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def warmup_cosine(warmup: float = 0.02) -> Callable[[float], float]:
    """A `schedule` for `fit`: the learning rate rises linearly over the share `warmup` of the run,
    then falls to 0 as half a cosine (Loshchilov & Hutter 2017, eq. 5, one cycle)."""
    def factor(share: float) -> float:
        if share < warmup:
            return share / warmup + 1e-3
        return 0.5 * (1 + math.cos(math.pi * (share - warmup) / (1 - warmup)))
    return factor


def falling(share: float) -> float:
    """A `schedule` for `fit`: the rate as it is over the first half of the run, then linearly to 0,
    as CycleGAN's authors have it (Zhu et al. 2017, Section 4)."""
    return min(1.0, 2 - 2 * share)


def progress(history: History, steps: int | None, seconds: float | None) -> float:
    """The share of a run of so many steps, or seconds, that is done; 1 at its end."""
    done, total = (history.seconds, seconds) if steps is None else (history.steps, steps)
    return done / total if total > 0 else 1.0


def _to(x, device):
    return x.to(device) if torch.is_tensor(x) else type(x)(_to(part, device) for part in x)


def _endless(batches: Iterable):
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise ValueError("`batches` gave nothing: it must be iterable again and again, such as "
                             "course_lib.data.batches(x), and not a generator that is used up.")


def fit(model: Trainable, batches: Iterable, *, steps: int | None = None,
        seconds: float | None = None, lr: float | dict[str, float],
        turns: Iterable[tuple[str, int]] | None = None, betas: tuple[float, float] = (0.9, 0.999),
        schedule: Callable[[float], float] | None = None, clip: float | None = None,
        ema: float | None = None, optimiser: Callable[..., Optimizer] = torch.optim.Adam,
        seed: int = 0, device: str | torch.device | None = None,
        on_step: Callable[[int, Trainable], None] | None = None) -> History:
    """θ_player ← θ_player − lr · Adam(∇ loss(batch, player))    Goodfellow et al. 2014, Algorithm 1

    steps, seconds  exactly one: rounds of `turns`, or time (only a run in steps is reproducible)
    lr              Adam's step size (Kingma & Ba 2015, Algorithm 1), one a player or one for all
    turns           such as (("D", 2), ("G", 1)), each with a fresh batch; everybody once by default
    betas, clip     Adam's rates of decay; largest norm of a player's gradient
    schedule        maps progress in [0, 1] to a factor on lr
    ema             decay of the weights' running average, min(ema, (1 + n) / (10 + n)) at step n
    optimiser       called with (parameters, lr=…, betas=…), one a player; course_lib.optim has more
    seed            of torch's global generators for this run; outside they are left as they were
    on_step         called with (step, model) after each step; does not count in `seconds`

    Interrupted (Ctrl-C, or the notebook's stop button) it keeps what was trained so far.
    Errors: ValueError for arguments that do not fit together; FloatingPointError, with player and
    step, for a loss that is not finite.
    """
    if (steps is None) == (seconds is None):
        raise ValueError("Give exactly one of steps=… and seconds=….")
    device = torch.device(device) if device else best_device()
    model.to(device).train()
    players = model.players()
    turns = [(name, 1) for name in players] if turns is None else list(turns)
    rates = lr if isinstance(lr, dict) else dict.fromkeys(players, lr)
    for what, names in (("turns", {name for name, _ in turns}), ("lr", set(rates))):
        if unknown := names - set(players):
            raise ValueError(f"{what} names {sorted(unknown)}; the players are {list(players)}.")
    if missing := {name for name, _ in turns} - set(rates):
        raise ValueError(f"lr has no rate for {sorted(missing)}.")
    optimisers = {name: optimiser(players[name], lr=rates[name], betas=betas) for name, _ in turns}
    order = [name for name, times in turns for _ in range(times)]
    if ema is not None and model.ema is None:
        model.ema = {k: v.detach().clone() for k, v in model.state_dict().items()}

    history = History({name: [] for name, _ in turns})
    bar = tqdm(total=steps, unit="step", mininterval=0.5, leave=True)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        source, start = _endless(batches), clock()
        try:
            while (share := progress(history, steps, seconds)) < 1:
                factor = schedule(share) if schedule else 1.0
                for name in order:
                    loss = model.loss(_to(next(source), device), name)
                    history.losses[name].append(loss.item())
                    if not math.isfinite(loss.item()):
                        raise FloatingPointError(
                            f"The loss of player {name!r} became {loss.item()} at step "
                            f"{history.steps}; a smaller lr, or clip=1, often helps.")
                    _descend(loss, players[name], optimisers[name], rates[name] * factor, clip)
                history.steps += 1
                if ema is not None:
                    _average(model, min(ema, (1 + history.steps) / (10 + history.steps)))
                history.seconds = clock() - start
                if on_step is not None:
                    on_step(history.steps, model)
                    start = clock() - history.seconds
                bar.update()
                if history.steps % 10 == 0:
                    last = {name: f"{losses[-1]:.3f}" for name, losses in history.losses.items()}
                    bar.set_postfix(last, refresh=False)
        except KeyboardInterrupt:
            history.interrupted = True
            tqdm.write(f"Stopped after {history.steps} steps; what was trained so far is kept.")
        finally:
            bar.close()
            model.eval()
    return history


def _descend(loss, parameters: list[nn.Parameter], optimiser: Optimizer, rate: float, clip) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward(inputs=[p for p in parameters if p.requires_grad])        # in no other player's
    if clip is not None:
        nn.utils.clip_grad_norm_(parameters, clip)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()


@torch.no_grad()
def _average(model: Trainable, decay: float) -> None:
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            model.ema[key].lerp_(value, 1 - decay)
        else:
            model.ema[key].copy_(value)


def save(model: Trainable, path: str | Path) -> None:
    """Writes the weights, and their average where there is one, as safetensors. Errors: OSError."""
    tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
    tensors |= {f"ema/{k}": v.contiguous() for k, v in (model.ema or {}).items()}
    save_file(tensors, str(path))


def load(model: Trainable, path: str | Path) -> Trainable:
    """Reads what `save` wrote. Errors: FileNotFoundError; ValueError for another model's file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"No weights at {path}; `make weights` rebuilds those that ship.")
    try:
        tensors = load_file(str(path))
        model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("ema/")})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of this {type(model).__name__}: {error}"
                         ) from error
    average = {k[4:]: v for k, v in tensors.items() if k.startswith("ema/")}
    model.ema = {k: v.to(model.device) for k, v in average.items()} or None
    return model
