"""Training is a game: a model names its players and their losses, and one loop, `fit`, trains every model of the course.

A GAN has two players (Goodfellow et al. 2014, Algorithm 1); maximum likelihood is the game with one.
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
from tqdm.auto import tqdm


class Trainable(nn.Module):
    """A game. Each player descends its own loss over its own parameters (Goodfellow et al. 2014, Section 3)."""

    ema: dict[str, torch.Tensor] | None = None      # running averages of the weights, where `fit` kept them

    def players(self) -> dict[str, list[nn.Parameter]]:
        """Name -> parameters of each player, in the order of play. One player, who owns everything, unless overridden."""
        return {"model": list(self.parameters())}

    def loss(self, batch, player: str) -> torch.Tensor:
        """The scalar that `player` minimises on `batch`. What it draws, it draws from torch's global generator."""
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
    """A `Trainable` that samples. Where its family has one, it also has `log_prob(x)` (exact) or `elbo(x)` (a lower
    bound), in nats an image, shape (batch,). A GAN has neither (Goodfellow et al. 2014, Section 6)."""

    def sample(self, n: int, *, y=None, generator: torch.Generator | None = None) -> torch.Tensor:
        """n samples, images in [-1, 1]. Implementations carry the decorator `sampling`."""
        raise NotImplementedError


def sampling(sample: Callable) -> Callable:
    """Decorates `sample`: no gradients, evaluation mode, and the averaged weights where `fit` kept an average."""
    @functools.wraps(sample)
    def wrapped(self, *args, **named):
        mode = self.training
        try:
            with torch.no_grad(), self.averaged():
                return sample(self.eval(), *args, **named)
        finally:
            self.train(mode)
    return wrapped


@dataclass
class History:
    """What `fit` saw: each player's losses in order of play, the steps done, the seconds of training."""

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
    """A `schedule` for `fit`: the learning rate rises linearly over the share `warmup` of the run, then falls to 0 as
    half a cosine (Loshchilov & Hutter 2017, eq. 5, one cycle)."""
    def factor(progress: float) -> float:
        if progress < warmup:
            return progress / warmup + 1e-3
        return 0.5 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
    return factor


def _to(batch, device):
    return batch.to(device) if torch.is_tensor(batch) else type(batch)(_to(b, device) for b in batch)


def _endless(batches: Iterable):
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise ValueError("`batches` gave nothing: it must be an iterable that can be iterated again and again, "
                             "such as course_lib.data.batches(x), and not a generator that is used up.")


def fit(model: Trainable, batches: Iterable, *, steps: int | None = None, seconds: float | None = None,
        lr: float | dict[str, float], turns: Iterable[tuple[str, int]] | None = None,
        betas: tuple[float, float] = (0.9, 0.999), schedule: Callable[[float], float] | None = None,
        clip: float | None = None, ema: float | None = None, optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
        seed: int = 0, device: str | torch.device | None = None,
        on_step: Callable[[int, Trainable], None] | None = None) -> History:
    """θ_player ← θ_player − lr · Adam(∇ loss(batch, player)), players in turn    Goodfellow et al. 2014, Algorithm 1

    steps, seconds  exactly one: how many rounds of `turns`, or how long (only a run counted in steps is reproducible)
    lr              Adam's step size (Kingma & Ba 2015, Algorithm 1); one number, or one a player; betas: its decay rates
    turns           such as (("D", 2), ("G", 1)); each turn of one takes a fresh batch. Default: everybody once
    schedule        maps progress in [0, 1] to a factor on lr
    clip            largest norm of a player's gradient
    ema             decay of a running average of the weights, min(ema, (1 + n) / (10 + n)) at step n; `sample` uses it
    optimiser       called as optimiser(parameters, lr=…, betas=…), one a player; or `course_lib.optim.Muon`
    seed            of torch's global generators for this run; their state outside is left as it was
    on_step         called as on_step(step, model) after each step; its time does not count in `seconds`

    Interrupted (Ctrl-C, or the notebook's stop button) it keeps what was trained so far.
    Errors: ValueError for arguments that do not fit together; FloatingPointError, with player and step, for a loss
    that is not finite.
    """
    if (steps is None) == (seconds is None):
        raise ValueError("Give exactly one of steps=… and seconds=….")
    device = torch.device(device) if device else best_device()
    model.to(device).train()
    players = model.players()
    turns = [(name, 1) for name in players] if turns is None else list(turns)
    rates = lr if isinstance(lr, dict) else dict.fromkeys(players, lr)
    for what, names in (("turns", {name for name, _ in turns}), ("lr", set(rates))):
        if not names <= set(players):
            raise ValueError(f"{what} names {sorted(names - set(players))}; the players are {list(players)}.")
    if missing := {name for name, _ in turns} - set(rates):
        raise ValueError(f"lr has no rate for {sorted(missing)}.")
    optimisers = {name: optimiser(players[name], lr=rates[name], betas=betas) for name, _ in turns}
    if ema is not None and model.ema is None:
        model.ema = {k: v.detach().clone() for k, v in model.state_dict().items()}

    history = History({name: [] for name, _ in turns})
    cuda = [device] if device.type == "cuda" else []
    bar = tqdm(total=steps, unit="step", mininterval=0.5, leave=True)
    with torch.random.fork_rng(devices=cuda):
        torch.manual_seed(seed)
        source = _endless(batches)
        start = time.perf_counter()
        try:
            while history.seconds < seconds if steps is None else history.steps < steps:
                progress = history.seconds / seconds if steps is None else history.steps / steps
                for name, times in turns:
                    for _ in range(times):
                        value = _turn(model, name, _to(next(source), device), players, optimisers[name],
                                      rates[name] * (schedule(progress) if schedule else 1.0), clip, history.steps)
                        history.losses[name].append(value)
                history.steps += 1
                if ema is not None:
                    _average(model, min(ema, (1 + history.steps) / (10 + history.steps)))
                history.seconds = time.perf_counter() - start
                if on_step is not None:
                    on_step(history.steps, model)
                    start = time.perf_counter() - history.seconds
                bar.update()
                if history.steps % 10 == 0:
                    bar.set_postfix({name: f"{values[-1]:.3f}" for name, values in history.losses.items()}, refresh=False)
        except KeyboardInterrupt:
            history.interrupted = True
            tqdm.write(f"Stopped after {history.steps} steps; what was trained so far is kept.")
        finally:
            bar.close()
            model.eval()
    return history


def _turn(model, name, batch, players, optimiser, rate, clip, step) -> float:
    own = {id(parameter) for parameter in players[name]}
    others = [q for owned in players.values() for q in owned if id(q) not in own and q.requires_grad]
    for parameter in others:                                 # gradients pass through the others and stop in none of them
        parameter.requires_grad_(False)
    try:
        loss = model.loss(batch, name)
    finally:
        for parameter in others:
            parameter.requires_grad_(True)
    value = loss.item()
    if not math.isfinite(value):
        raise FloatingPointError(f"The loss of player {name!r} became {value} at step {step}; a smaller lr, or clip=1, "
                                 "often helps.")
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    if clip is not None:
        nn.utils.clip_grad_norm_(players[name], clip)
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.step()
    return value


@torch.no_grad()
def _average(model: Trainable, decay: float) -> None:
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            model.ema[key].lerp_(value, 1 - decay)
        else:
            model.ema[key].copy_(value)


def save(model: Trainable, path: str | Path) -> None:
    """Writes the weights, and their running average where there is one, as safetensors. Errors: OSError."""
    tensors = {k: v.contiguous() for k, v in model.state_dict().items()}
    if model.ema is not None:
        tensors |= {f"ema/{k}": v.contiguous() for k, v in model.ema.items()}
    save_file(tensors, str(path))


def load(model: Trainable, path: str | Path) -> Trainable:
    """Reads into `model` what `save` wrote, and returns it. Errors: FileNotFoundError; ValueError for another file."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"No weights at {path}; `make weights` rebuilds those that ship with the course.")
    try:
        tensors = load_file(str(path))
        model.load_state_dict({k: v for k, v in tensors.items() if not k.startswith("ema/")})
    except (SafetensorError, RuntimeError) as error:
        raise ValueError(f"{path} does not hold the weights of this {type(model).__name__}: {error}") from error
    average = {k[4:]: v for k, v in tensors.items() if k.startswith("ema/")}
    model.ema = {k: v.to(model.device) for k, v in average.items()} or None
    return model
