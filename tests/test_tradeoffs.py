"""The trade-off table: what it asks of a row, and that an interrupted command goes on."""
import importlib.util
import math
import sys
from functools import partial

import pytest
import torch
from exercise import ROOT
from torch import nn

from course_lib import core
from course_lib.core import GenerativeModel, fit, sampling
from course_lib.data import batches, digits
from course_lib.data.survey import FAMILIES, SURVEY
from course_lib.diffusion.gaussian_chain import q_sample
from course_lib.diffusion.parametrisations import v_from_eps
from course_lib.recipes import tradeoffs
from course_lib.recipes.diffusion import digits_velocity
from course_lib.recipes.tradeoffs import ROWS, Row, Snapshots, lasting, measure, resized, slope

IMAGES = digits().images


@pytest.fixture(scope="module")
def bench():
    """benchmarks/tradeoffs.py, a script beside its common.py"""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        spec = importlib.util.spec_from_file_location(
            "tradeoffs_benchmark", ROOT / "benchmarks" / "tradeoffs.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    return module


class Copier(GenerativeModel):
    """A grey level for all, and samples that are training digits"""

    def __init__(self, size: int):
        super().__init__()
        self.size, self.level = size, nn.Parameter(torch.zeros(()))

    def loss(self, x, player):
        return (x - self.level).square().mean()

    @sampling
    def sample(self, n, *, y=None, generator=None):
        which = torch.randint(len(IMAGES), (n,), generator=generator)
        return resized(IMAGES[which], self.size)


class Uniform(Copier):
    """Each 8-bit image as likely"""

    def log_prob(self, x):
        return torch.full((len(x),), -x[0].numel() * math.log(256), dtype=torch.float64)


def train(model, x=None, *, steps=None, seconds=None, seed=0, on_step=None):
    return fit(model, batches(x, size=32), steps=20, lr=0.1, seed=seed, on_step=on_step)


def broken(model, x=None, *, seconds=None, seed=0, on_step=None):
    return fit(model, batches(x, size=32), steps=20, lr=1e30, seed=seed, on_step=on_step)


@pytest.fixture
def results(bench, monkeypatch, tmp_path):
    """An empty folder of results, and few samples"""
    monkeypatch.setattr(bench.common, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(bench, "measure", partial(measure, n=300))
    monkeypatch.setattr(bench, "jobs", lambda rows, seeds: [
        bench.Job("run", row, seed) for seed in seeds for row in rows])
    return tmp_path / "results"


def test_a_new_system_is_a_model_and_a_line(bench, results, monkeypatch):
    monkeypatch.setitem(ROWS, "Toy", Row("Toy", "vae", Uniform, train, False, held_out=100))
    assert bench.work(["Toy"], [0, 1], 1e3) == []
    run = bench.read("tradeoffs")[0]
    assert float(run["fid"]) < 60 and float(run["precision"]) > 0.7     # of the bar: 166
    assert (run["density"], float(run["bits"]), float(run["error"])) == ("exact", 8.0, 0.0)
    assert float(run["seconds_to_bar"]) >= 0 and run["parameters"] == "1"
    line = next(x for x in bench.document(1e3).splitlines() if x.startswith("| Toy |"))
    cells = line.strip("| ").split(" | ")
    assert cells[5:7] == ["✗", "exact"] and cells[10] == "8 ± 0" and cells[11] == "not in it"
    assert bench.picture(1e3).startswith(b"\x89PNG") and "Toy" in bench.alt(bench.read("tradeoffs"))
    assert (results / "tradeoffs.npz").stat().st_size < 50_000


def test_an_interrupted_command_goes_on_where_it_stopped(bench, results, monkeypatch):
    trained = []

    def counted(name):
        def run(model, x, **named):
            trained.append(name)
            if trained == ["first", "second"]:
                raise KeyboardInterrupt
            return train(model, x, **named)
        return Row(name, "gan", Copier, run, True)

    names = ["first", "second", "third"]
    for name in names:
        monkeypatch.setitem(ROWS, name, counted(name))
    with pytest.raises(KeyboardInterrupt):
        bench.work(names, [0], 1e3)
    assert [run["row"] for run in bench.read("tradeoffs")] == ["first"]
    bench.work(names, [0], 1e3)
    bench.work(names, [0], 1e3)
    assert trained == ["first", "second", "second", "third"]


def test_a_run_that_was_stopped_in_training_is_none(monkeypatch):
    def stopped(model, x, *, on_step, **named):
        def stop(step, model):
            raise KeyboardInterrupt
        return train(model, x, on_step=stop)

    with pytest.raises(KeyboardInterrupt):
        measure(Row("Toy", "gan", Copier, stopped, True), seconds=1.0)


def test_what_another_process_does_is_left_to_it(bench, results, monkeypatch):
    monkeypatch.setitem(ROWS, "Toy", Row("Toy", "gan", Copier, train, True))
    with bench.locked("run-Toy-0") as mine:
        assert mine
        bench.work(["Toy"], [0], 1.0)
    assert bench.read("tradeoffs") == []


def test_a_collapse_and_a_mistake_are_told_apart(bench, results, monkeypatch, capsys):
    def mistaken(model, x, **named):
        raise KeyError("a mistake of the code's")

    monkeypatch.setitem(ROWS, "NaN", Row("NaN", "gan", Copier, broken, True))
    monkeypatch.setitem(ROWS, "Wrong", Row("Wrong", "gan", Copier, mistaken, True))
    assert [job.row for job in bench.work(["NaN", "Wrong"], [0], 1.0)] == ["Wrong"]
    assert [run["row"] for run in bench.read("tradeoffs")] == ["NaN"]
    assert "1 of 1 collapsed: The loss of player" in bench.document(1.0)
    assert "KeyError" in capsys.readouterr().err


def test_snapshots_are_taken_at_seconds_of_training(monkeypatch):
    """By a clock that a step takes a second of, and that runs on in between."""
    now = [0.0]
    monkeypatch.setattr(core, "clock", lambda: now[0])
    model, snapshots = Copier(28), Snapshots([1.5, 2.0, 4.0, 100.0])
    for step in range(1, 7):
        now[0] += 1
        model.level.data.fill_(step)
        snapshots(step, model)
    assert [(seconds, weights["level"].item()) for seconds, weights, _ in snapshots.kept] == [
        (2.0, 2.0), (4.0, 4.0)]


@pytest.mark.parametrize("halve", [False, True])
@pytest.mark.parametrize("fails, first", [(0, 0), (3, 3), (7, 7), (8, None)])
def test_the_first_from_which_on_all_pass(fails, first, halve):
    asked = []
    assert lasting(8, lambda i: asked.append(i) or i >= fails, halve=halve) == first
    assert len(asked) == len(set(asked)) <= (4 if halve else 8)


def test_who_relapses_passes_from_the_last_time_on():
    assert lasting(6, lambda i: i in (1, 2, 4, 5)) == 4


def test_slope_of_a_known_cost():
    assert slope((16, 28, 56), [3e-4 * (size**2)**1.5 for size in (16, 28, 56)]) == pytest.approx(
        1.5, abs=1e-12)


def test_the_density_is_told_by_the_methods_name():
    def has(name):
        return type("Model", (Copier,), {name: lambda self, x: x})(28)
    known = {name: tradeoffs.density(has(name)) for name in ("log_prob", "elbo", "estimate")}
    assert known == {"log_prob": "exact", "elbo": "≤", "estimate": "estimate"}
    assert tradeoffs.density(Copier(28)) == "—"


def test_each_row_has_its_place_and_every_size():
    """A row of the survey's name is in the survey's family; the costs are of models of the size."""
    families = {row.name: row.family for row in SURVEY}
    assert len(SURVEY) == 21 and set(families.values()) == set(FAMILIES)
    for name, row in ROWS.items():
        assert name == row.name and row.family == families.get(name, row.family)


def test_digits_at_another_size():
    small, large = resized(IMAGES[:9], 14), resized(IMAGES[:9], 56)
    mean = (IMAGES[:9].unflatten(3, (14, 2)).unflatten(2, (14, 2)).mean((3, 5)) + 1) * 127.5
    assert ((small + 1) * 127.5 - mean).abs().max() <= 0.5 + 1e-4
    assert torch.allclose(large[:, :, ::2, ::2], IMAGES[:9], atol=1e-6)


def test_costs_are_of_an_image():
    figures = tradeoffs.cost(Row("Toy", "gan", Copier, train, True), 16)
    assert figures["training"] > 0 and figures["sampling"] > 0 and not figures["failed"]


def test_the_bar_is_the_mixtures(bench):
    fids = [float(row["fid"]) for row in bench.read("tradeoffs_bar")]
    assert len(fids) == 3 and sum(fids) / 3 == pytest.approx(tradeoffs.BAR, abs=0.1)


def test_the_committed_table_is_that_of_the_results(bench):
    text = (ROOT / "docs" / "tradeoffs.md").read_text(encoding="utf-8")
    assert text == bench.document(90), "run `make tradeoffs`"


def test_a_network_that_knows_v_knows_eps():
    """Its loss is then 0, and ε_θ is the noise, up to float32: 1e-3 of ε at σ_1 = 0.006."""
    model = digits_velocity()
    schedule, x_0 = model.schedule, IMAGES[:6]
    t, eps = torch.tensor([1, 2, 10, 100, 500, 990]), torch.randn(6, 1, 28, 28)
    x_t = q_sample(schedule, x_0, t, eps)
    model.draw = lambda x: (t, eps)
    model.net.forward = lambda x, t, y: v_from_eps(schedule, eps, x_0, t)
    assert model.loss(x_0, "model").item() == 0.0
    assert torch.allclose(model(x_t, t), eps, atol=1e-3)
