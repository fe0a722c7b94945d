"""What is special about exercise 4's questions on CycleGAN: torch's, NumPy's and the course's own
parts, put together as its variants ask, pass its checks, lazy answers do not; the game."""
import subprocess
import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as nnf
from exercise import RAISES, TOUCHES, cells, refuses, run, solution, then
from test_answers import check as check_answer
from torch import nn

from course_lib.core import Trainable, fit
from course_lib.data.domains import clusters
from course_lib.gan.cyclegan import cycle_loss as papers_cycle_loss
from course_lib.grading.sandbox import toolbox_without
from course_lib.hidden.ex04.game import game, share_right
from course_lib.hidden.ex04.networks import line

NAME = "ex04_translation"
QUESTIONS = ("cycle_loss", "adversarial_step", "through_buffer", "train")
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def cycle_loss(G, F, x, y, w_x, w_y, lam_X, lam_Y, delta):
    """√(1 + z²) − 1 as torch's expm1 of half a log1p, and einsum for the means."""
    def way(lam, start, end, w):
        cost = delta * torch.expm1(torch.log1p(((end - start) / delta) ** 2) / 2)
        return lam * torch.einsum("i,ij->", w, cost.flatten(1)) / cost[0].numel() / w.sum()

    return way(lam_X, x, F(G(x)), w_x) + way(lam_Y, y, G(F(y)), w_y)


def adversarial_step(G, F, D_X, D_Y, x, y, a, b, c, lr):
    """torch's mean squared error, and its SGD."""
    states = []
    error = lambda out, label: nnf.mse_loss(out, torch.full_like(out, label)) / 2
    for net, loss in ((G, lambda: error(D_Y(G(x)), c)), (F, lambda: error(D_X(F(y)), c)),
                      (D_X, lambda: error(D_X(x), b) + error(D_X(F(y)), a)),
                      (D_Y, lambda: error(D_Y(y), b) + error(D_Y(G(x)), a))):
        before = [(w, w.detach().clone(), w.grad) for w in net.parameters()]
        for (w, _, _), g in zip(before, torch.autograd.grad(loss(), [*net.parameters()])):
            w.grad = g
        torch.optim.SGD(net.parameters(), lr=lr).step()
        states.append({key: w.clone() for key, w in net.state_dict().items()})
        for w, old, gradient in before:
            w.data, w.grad = old, gradient
    return tuple(states)


def through_buffer(kept, new, size, u, k, p):
    """NumPy's arrays, and a number that says where the next free place is."""
    inside = np.zeros((min(size, len(kept) + len(new)), *new.shape[1:]), new.numpy().dtype)
    inside[:len(kept)], free, out = kept.numpy(), len(kept), new.numpy().copy()
    for i, change in enumerate((u < p).tolist()):
        if free < size:
            inside[free], free = out[i], free + 1
        elif change and size:
            inside[k[i]], out[i] = out[i].copy(), inside[k[i]].copy()
    return torch.from_numpy(out), torch.from_numpy(inside)


class Game(Trainable):
    """The game as the course's loop plays it."""

    def __init__(self, G, F, D_X, D_Y, lam, lam_id):
        super().__init__()
        self.G, self.F, self.D_X, self.D_Y, self.lam, self.lam_id = G, F, D_X, D_Y, lam, lam_id

    def players(self):
        return {name: [*getattr(self, name).parameters()] for name in ("D_X", "D_Y", "G", "F")}

    def loss(self, batch, player):
        (x, y), l2 = batch, lambda out, label: nnf.mse_loss(out, torch.full_like(out, label))
        cycle = papers_cycle_loss(x, y, self.F(self.G(x)), self.G(self.F(y)))
        return {"D_X": lambda: l2(self.D_X(x), 1) + l2(self.D_X(self.F(y)), 0),
                "D_Y": lambda: l2(self.D_Y(y), 1) + l2(self.D_Y(self.G(x)), 0),
                "G": lambda: l2(self.D_Y(self.G(x)), 1) + self.lam * cycle
                + self.lam_id * nnf.l1_loss(self.G(y), y),
                "F": lambda: l2(self.D_X(self.F(y)), 1) + self.lam * cycle
                + self.lam_id * nnf.l1_loss(self.F(x), x)}[player]()


def train(G, F, D_X, D_Y, xs, ys, lr, lam, lam_id):
    """The course's own `fit`: a batch a turn, so each batch comes four times."""
    batches = [batch for batch in zip(xs, ys) for _ in range(4)]
    if batches:
        fit(Game(G, F, D_X, D_Y, lam, lam_id), batches, steps=len(xs), lr=lr, betas=(0.5, 0.99),
            device="cpu")
    return tuple(net.state_dict() for net in (G, F, D_X, D_Y))


LIBRARY = {"cycle_loss": cycle_loss, "adversarial_step": adversarial_step,
           "through_buffer": through_buffer, "train": train}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_others_wrote_is_right_about_the_variant(question):
    for seed in range(2):
        check(question, LIBRARY[question], seed)


states = lambda *nets: tuple(net.state_dict() for net in nets)
LAZY = {
    "cycle_loss": [
        lambda *args: None,
        lambda G, F, x, *args: 0 * x.sum(),
        lambda *args: cycle_loss(*args).detach(),
        lambda *args: cycle_loss(*args[:6], 1.0, 1.0, args[8]),
        lambda *args: cycle_loss(*args[:8], 0.1),
        lambda G, F, x, y, w_x, w_y, *args: cycle_loss(G, F, x, y, 0 * w_x + 1, 0 * w_y + 1, *args),
    ],
    "adversarial_step": [
        lambda *args: None,
        lambda *args: states(*args[:4]),
        lambda *args: adversarial_step(*args)[:2],
        lambda *args: adversarial_step(*args[:6], -1.0, 1.0, 0.0, args[9]),
        lambda *args: (*adversarial_step(*args)[:2], *states(*args[2:4])),
        lambda *args: (*states(*args[:2]), *MASTER["adversarial_step"](*args)[2:]),
        lambda G, F, D_X, D_Y, x, y, *args: adversarial_step(G, F, D_X, D_Y, x[:1], y[:1], *args),
    ],
    "through_buffer": [
        lambda *args: None,
        lambda kept, new, *args: (new, kept),
        lambda kept, new, size, *args: (new, torch.cat([kept, new])[:size]),
        lambda kept, new, size, u, k, p: through_buffer(kept, new, size, u, 0 * k, p),
        lambda *args: through_buffer(*args[:5], 0.6),
        lambda *args: tuple(x.float() for x in through_buffer(*args)),
    ],
    "train": [
        lambda *args: None,
        lambda *args: states(*args[:4]),
        lambda G, F, D_X, D_Y, xs, ys, *args: train(G, F, D_X, D_Y, xs[:1], ys[:1], *args),
        lambda *args: train(*args[:7], 3.0, 3.0),
        lambda *args: train(*args[:6], 4e-3, *args[7:]),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question], RAISES)


TENSORS = {"cycle_loss": (2, 3, 4, 5), "adversarial_step": (4, 5), "through_buffer": (0, 1, 3, 4),
           "train": (4, 5)}


@pytest.mark.parametrize("question, i", [(question, i) for question in TENSORS
                                         for i in TENSORS[question]])
def test_answers_that_change_an_argument_fail(question, i):
    with pytest.raises(AssertionError, match="in place"):
        check(question, then(MASTER[question], lambda *args: args[i].data.add_(1)))


LENT = [("cycle_loss", i) for i in (0, 1)] + [("adversarial_step", i) for i in range(4)]


@pytest.mark.parametrize("question, i", LENT)
@pytest.mark.parametrize("touch", TOUCHES)
def test_answers_that_leave_a_network_changed_fail(question, i, touch):
    def answer(*args):
        result = MASTER[question](*args)
        result = tuple(map(dict, result)) if question == "adversarial_step" else result
        touch(args[i])
        return result

    with pytest.raises(AssertionError, match="not as it was|expected"):
        check(question, answer)


def test_the_plain_cycle_loss_is_a_limit_of_the_exercises():
    """Equal weights, delta → 0: the paper's, which the exercise does not ask for."""
    G, F = line(2.0, 1.0).build(), line(0.3, -1.0).build()
    x, y = torch.randn(5, 1), torch.randn(3, 1)
    found = MASTER["cycle_loss"](G, F, x, y, torch.ones(5), torch.ones(3), 1.0, 1.0, 1e-7)
    torch.testing.assert_close(found, papers_cycle_loss(x, y, F(G(x)), G(F(y))))


def test_what_stays_in_a_buffer_stays_for_size_over_p():
    """The age of what comes out, a sum of geometric laws: 20,000 pictures, deviation of the mean
    below 1 %, and six of them."""
    rng, size, p = torch.Generator().manual_seed(0), 10, 0.6
    n, kept = 20_000, -torch.ones(0)
    out, _ = MASTER["through_buffer"](kept, torch.arange(float(n)), size,
                                      torch.rand(n, generator=rng),
                                      torch.randint(size, (n,), generator=rng), p)
    age = torch.arange(n) - out
    assert abs((age > 0).float().mean() - p) < 0.03
    assert abs(age[age > 0].mean() / (size / p) - 1) < 0.06


def angle_of(state: dict, net, points: torch.Tensor) -> float:
    return share_right(net._replace(state=state), points.flatten(0, 1), 0.0, 60.0)


def test_the_game_finds_the_one_right_map_and_the_cycle_term_alone_does_not():
    found = []
    for seed in (20, 21):
        nets, xs, ys = game(seed, 60.0)
        state = MASTER["train"](*(net.build() for net in nets), xs, ys, 4e-3, 3.0, 3.0)[0]
        assert angle_of(state, nets[0], xs[-4:]) > 0.9
    for seed in (0, 7):                                  # equal weights, no identity
        nets, *_ = game(seed, 60.0)
        rng = torch.Generator().manual_seed(seed)
        xs, ys = (clusters(6400, 0.5, angle=angle, generator=rng).view(100, 64, 2)
                  for angle in (0.0, 60.0))
        state = MASTER["train"](*(net.build() for net in nets), xs, ys, 4e-3, 3.0, 0.0)[0]
        found.append(angle_of(state, nets[0], xs[-4:]))
    assert min(found) < 0.1 < 0.5 < max(found)           # either map, as the start has it


def test_the_header_names_no_other_questions():
    header = next(cell.source for cell in cells(NAME) if cell.cell_type == "markdown")
    texts = [cell.source for cell in cells(NAME) if cell.source.startswith("## ")]
    assert [int(text[3]) for text in texts] == [*range(1, 10)]
    assert all(f"| {i} | " in header for i in range(1, 10))


def test_what_the_exercise_imports_is_there_while_it_is_graded(tmp_path):
    setup = next(cell.source for cell in cells(NAME) if cell.cell_type == "code")
    asked = ("cyclegan", "unit", "dann", "subspace", "adaptation")
    toolbox = toolbox_without(tuple(f"course_lib.gan.{name}" for name in asked),
                              tmp_path / "course_lib")
    assert not any((toolbox / "gan" / f"{name}.py").exists() for name in asked)
    told = subprocess.run([sys.executable, "-c", setup], cwd=tmp_path, capture_output=True,
                          env={"PYTHONPATH": str(tmp_path), "MPLBACKEND": "agg"}, text=True)
    assert told.returncode == 0, told.stderr


def test_networks_of_the_game_are_what_torch_begins_with():
    nets, xs, ys = game(0, 60.0)
    assert all(isinstance(net.build(), nn.Sequential) for net in nets)
    assert xs.shape == ys.shape == (100, 64, 2) and not torch.equal(xs, ys)
