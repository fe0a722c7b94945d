import signal

import pytest
import torch
from torch import nn

from course_lib.core import (
    GenerativeModel,
    History,
    Trainable,
    fit,
    load,
    noise_like,
    progress,
    sampling,
    save,
    warmup_cosine,
)
from course_lib.data import batches


class Line(GenerativeModel):
    """Maximum likelihood of N(mean, 1): a game with one player whose optimum is the data's mean."""

    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(2))

    def loss(self, batch, player):
        return ((batch - self.mean) ** 2).sum(1).mean() / 2

    @sampling
    def sample(self, n, *, y=None, generator=None):
        return self.mean + torch.zeros(n, 2)


class Tug(Trainable):
    """x minimises x·y + x²/2, y maximises x·y − y²/2: the only equilibrium is (0, 0)."""

    def __init__(self):
        super().__init__()
        self.x, self.y = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(0.5))

    def players(self):
        return {"x": [self.x], "y": [self.y]}

    def loss(self, batch, player):
        return self.x * self.y + self.x**2 / 2 if player == "x" else self.y**2 / 2 - self.x * self.y


DATA = torch.randn(500, 2, generator=torch.Generator().manual_seed(0)) + torch.tensor([1.0, -2.0])
quick = dict(lr=0.05, device="cpu")


def test_one_player_finds_the_maximum_likelihood():
    model = Line()
    history = fit(model, batches(DATA, size=500), steps=500, schedule=warmup_cosine(), **quick)
    # full batches: no noise, the optimum itself
    assert (model.mean - DATA.mean(0)).abs().max() < 1e-3
    assert history.steps == 500 and len(history.losses["model"]) == 500


def test_two_players_find_the_equilibrium_and_leave_each_other_alone():
    model = Tug()
    fit(model, batches(DATA), steps=1000, schedule=lambda progress: 1 - progress, **quick)
    assert abs(model.x) < 1e-2 and abs(model.y) < 1e-2
    model, before = Tug(), 0.5
    history = fit(model, batches(DATA), steps=3, turns=[("x", 2)], **quick)
    assert model.y == before and model.y.grad is None and model.y.requires_grad
    assert model.x != before
    assert len(history.losses["x"]) == 6 and "y" not in history.losses


def test_turns_and_rates_a_player():
    model = Tug()
    history = fit(model, batches(DATA), steps=4, turns=(("x", 2), ("y", 1)),
                  lr={"x": 0.0, "y": 0.1}, device="cpu")
    assert model.x == 1 and model.y != 0.5
    assert [len(history.losses[name]) for name in "xy"] == [8, 4]


def test_a_run_in_steps_is_reproducible_and_leaves_the_global_generator_alone():
    def run(seed):
        model = Line()
        fit(model, batches(DATA, size=7), steps=20, seed=seed, **quick)
        return model.mean.detach()
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    first = run(0)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(first, run(0)) and not torch.equal(first, run(1))


def test_seconds_stop_the_run_and_on_step_does_not_count(monkeypatch):
    """By a clock that a step takes a second of, and on_step a hundred."""
    now, calls = [0.0], []

    def look():
        now[0] += 0.5                                        # fit looks twice a step
        return now[0]

    def on_step(step, model):
        calls.append(step)
        now[0] += 100

    monkeypatch.setattr("course_lib.core.clock", look)
    history = fit(Line(), batches(DATA), seconds=10, on_step=on_step, **quick)
    assert 10 <= history.seconds < 11 and 10 <= history.steps <= 20
    assert calls == list(range(1, history.steps + 1))
    assert history.steps > 0


@pytest.mark.parametrize("arguments, message", [
    (dict(steps=1, seconds=1.0), "exactly one"), ({}, "exactly one"),
                                                (dict(steps=1, turns=[("Q", 1)]), "Q"),
    (dict(steps=1, lr={"Q": 1.0}), "Q"), (dict(steps=1, lr={}), "no rate"),
])
def test_arguments_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(Line(), batches(DATA), **(dict(lr=0.1, device="cpu") | arguments))


@pytest.mark.parametrize("done, steps, seconds, share", [
    (3, 4, None, 0.75), (4, 4, None, 1.0), (0, 0, None, 1.0), (3, None, 12.0, 0.5),
                                                         (3, None, 0.0, 1.0), (3, None, -1.0, 1.0),
])
def test_progress_is_the_share_of_the_run_that_is_done(done, steps, seconds, share):
    assert progress(History(steps=done, seconds=6.0), steps, seconds) == share


@pytest.mark.parametrize("nothing", [dict(steps=0), dict(seconds=-1.0)])
def test_a_run_of_no_length_does_nothing(nothing):
    model = Line()
    assert fit(model, batches(DATA), **nothing, **quick).steps == 0 and not model.mean.any()


def test_noise_like_is_like_x_and_its_generators():
    for dtype in (torch.float32, torch.float64):
        x = torch.zeros(2, 3, dtype=dtype)
        z = noise_like(x, torch.Generator().manual_seed(1))
        assert torch.equal(z,
                           torch.randn(2, 3, dtype=dtype,
                                       generator=torch.Generator().manual_seed(1)))


def test_a_used_up_generator_is_refused():
    with pytest.raises(ValueError, match="again and again"):
        fit(Line(), (x for x in [DATA]), steps=3, **quick)


def test_a_loss_that_is_not_finite_names_player_and_step():
    class Breaks(Tug):
        def loss(self, batch, player):
            return super().loss(batch,
                                player) * (float("nan") if player == "y" and self.x < 0.8 else 1.0)
    with pytest.raises(FloatingPointError, match="'y'.* nan at step 4"):
        # Adam's first steps have length lr: 1 − 5·0.05 < 0.8
        fit(Breaks(), batches(DATA), steps=100, **quick)


def test_clipping_bounds_the_gradient():
    seen = []

    class Steep(Line):
        def loss(self, batch, player):
            return 1e6 * super().loss(batch, player)
    model = Steep()
    fit(model, batches(DATA), steps=3, clip=1.0, on_step=lambda step,
        m: seen.append(m.mean.grad.norm().item()), **quick)
    assert all(abs(norm - 1) < 1e-4 for norm in seen)


def test_interrupted_training_keeps_what_was_trained():
    # in the background of a shell it is ignored
    signal.signal(signal.SIGINT, signal.default_int_handler)
    model = Line()
    history = fit(model, batches(DATA), steps=10_000, **quick,
                  on_step=lambda step,
                  m: signal.raise_signal(signal.SIGINT) if step == 25 else None)
    assert history.interrupted and history.steps == 25 and model.mean.abs().sum() > 0.5


def test_sample_uses_the_average_and_gives_the_weights_back():
    model = Line()
    fit(model, batches(DATA, size=500), steps=30, ema=0.5, **quick)
    average, now = model.ema["mean"].clone(), model.mean.detach().clone()
    assert not torch.equal(average, now)
    assert torch.equal(model.sample(1)[0], average) and torch.equal(model.mean, now)
    assert model.ema is not None
    expected, value = torch.zeros(2), []
    fit(again := Line(), batches(DATA, size=500), steps=30, on_step=lambda step,
        m: value.append(m.mean.detach().clone()), **quick)
    for n, weights in enumerate(value, 1):  # the definition, over the run without an average
        decay = min(0.5, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * weights
    assert torch.equal(again.mean, now) and torch.allclose(expected, average, atol=1e-6)


def test_saved_and_loaded(tmp_path):
    model = Line()
    fit(model, batches(DATA), steps=5, ema=0.9, **quick)
    save(model, tmp_path / "line.safetensors")
    other = load(Line(), tmp_path / "line.safetensors")
    assert torch.equal(other.mean, model.mean) and torch.equal(other.ema["mean"], model.ema["mean"])
    with model.averaged():
        save(model, tmp_path / "average.safetensors")
    assert torch.equal(load(Line(), tmp_path / "average.safetensors").mean, model.ema["mean"])


def test_wrong_weight_files_get_one_clear_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="make weights"):
        load(Line(), tmp_path / "none.safetensors")
    save(Tug(), tmp_path / "tug.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "tug.safetensors").read_bytes()[:-3])
    for name in ("tug", "cut"):
        with pytest.raises(ValueError, match="does not hold the weights of this Line"):
            load(Line(), tmp_path / f"{name}.safetensors")
