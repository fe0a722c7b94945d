"""What is special about exercise 4's questions on adaptation: torch's, NumPy's and scikit-learn's
own words for its variants pass its checks; lazy answers, and those that leave traces, do not."""
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from exercise import TOUCHES, refuses, run, solution
from sklearn.decomposition import PCA
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut
from test_answers import check as check_answer
from torch.distributions import Independent, Laplace, Normal, kl_divergence

NAME = "ex04_translation"
QUESTIONS = ("reversal", "unit_terms", "align", "reverse_risk")
MASTER = {question: run(NAME, question, solution(NAME, question)) for question in QUESTIONS}
check = lambda question, answer, seed=0: check_answer(NAME, question, answer, seed)


def reversal(x, lam, most):
    """torch's unit vectors, times lengths that are clamped, in float64."""
    class Reversal(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, lam):
            ctx.lam = lam
            return x.clone()

        @staticmethod
        def backward(ctx, g):
            rows = g.double().reshape(len(g), -1)
            rows = F.normalize(rows, dim=1, eps=1e-300) * rows.norm(dim=1, keepdim=True).clamp(
                max=most)
            return torch.diag(ctx.lam.double()).mm(-rows).view(g.shape).to(g.dtype), None

    return Reversal.apply(x, lam)


def unit_terms(E_1, E_2, G_1, G_2, x_1, x_2, eta, b):
    """torch's distributions, with a KL of its own."""
    def q(out):
        mu, s = out.tensor_split(2, dim=1)
        return Independent(Normal(mu, (s / 2).exp().clamp(min=1e-30)), 1)

    def direction(E_i, E_j, G_i, G_j, x, noise, noise_j):
        def code(q, noise):
            return q.base_dist.loc + q.base_dist.scale * noise

        def nll(z):
            x_hat = G_i(z).flatten(1)
            return -Independent(Laplace(x_hat, b), 1).log_prob(x.flatten(1)).mean()

        def kl(q):
            prior = Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean))
            return kl_divergence(q, Independent(prior, 1)).mean()

        q_i = q(E_i(x))
        z = code(q_i, noise)
        q_j = q(E_j(G_j(z)))
        return torch.stack([kl(q_i), nll(z), kl(q_i) + kl(q_j), nll(code(q_j, noise_j))])

    return (direction(E_1, E_2, G_1, G_2, x_1, eta[0], eta[2])
            + direction(E_2, E_1, G_2, G_1, x_2, eta[1], eta[3])).unbind()


def align(source, target, d_S, d_T):
    """scikit-learn's whitened components, and the projection of one basis on the other."""
    parts = []
    for x, d in ((source, d_S), (target, d_T)):
        pca = PCA(d, whiten=True, svd_solver="full").fit(x.double().numpy())
        parts.append((pca.transform(x.double().numpy()), pca.components_))
    (a, rows_S), (b, rows_T) = parts
    return tuple(torch.from_numpy(np.ascontiguousarray(x)).to(source.dtype)
                 for x in (np.einsum("ni,iD,jD->nj", a, rows_S, rows_T), b))


def reverse_risk(fit, source, labels, target, fold):
    """scikit-learn's folds of groups, and its balanced accuracy."""
    found = np.empty(len(labels), dtype=np.int64)
    for rest, held in LeaveOneGroupOut().split(found, groups=fold.numpy()):
        rest, held = torch.from_numpy(rest), torch.from_numpy(held)
        guessed = fit(source[rest], labels[rest], target, target)
        found[held] = fit(target, guessed, source[rest], source[held])
    with warnings.catch_warnings():                   # it warns of classes that nobody has
        warnings.simplefilter("ignore")
        return 1 - float(balanced_accuracy_score(labels.numpy(), found))


LIBRARY = {"reversal": reversal, "unit_terms": unit_terms, "align": align,
           "reverse_risk": reverse_risk}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_others_wrote_is_right_about_the_variant(question):
    for seed in range(2):
        check(question, LIBRARY[question], seed)


LAZY = {
    "reversal": [
        lambda *args: None,
        lambda x, *args: x,
        lambda x, *args: x.detach(),
        lambda x, lam, most: -x,
        lambda x, lam, most: 2 * x.detach() - x,
        lambda x, lam, most: MASTER["reversal"](x, lam[:1].expand_as(lam), most),
        lambda x, lam, most: MASTER["reversal"](x, lam, 0.5),
        lambda *args: MASTER["reversal"](*args).float(),
    ],
    "unit_terms": [
        lambda *args: None,
        lambda *args: MASTER["unit_terms"](*args)[:2],
        lambda *args: sum(MASTER["unit_terms"](*args)),
        lambda *args: [part.detach() for part in MASTER["unit_terms"](*args)],
        lambda *args: [part.float() for part in MASTER["unit_terms"](*args)],
        lambda *args: MASTER["unit_terms"](*args[:-1], 0.25),
        lambda *args: MASTER["unit_terms"](*args[:6], [0 * noise for noise in args[6]], args[7]),
        lambda *args: (lambda a, b, c, d: (a, b, 2 * a, b))(*MASTER["unit_terms"](*args)),
        lambda *args: [part.abs() for part in MASTER["unit_terms"](*args)],
    ],
    "align": [
        lambda *args: None,
        lambda source, target, d_S, d_T: (source[:, :d_T], target[:, :d_T]),
        lambda *args: MASTER["align"](*args)[0],
        lambda *args: MASTER["align"](*args)[::-1],
        lambda *args: tuple(x.abs() for x in MASTER["align"](*args)),
        lambda *args: tuple(x.float() for x in MASTER["align"](*args)),
        lambda source, target, d_S, d_T: MASTER["align"](source, target, 2, 3),
        lambda source, target, d_S, d_T: MASTER["align"](target, target, d_S, d_T),
    ],
    "reverse_risk": [
        lambda *args: None,
        lambda *args: 0.0,
        lambda *args: 0.5,
        lambda *args: 1 - MASTER["reverse_risk"](*args),
        lambda fit, source, labels, *args: MASTER["reverse_risk"](fit, source, 0 * labels, *args),
        lambda fit, source, labels, target, fold: MASTER["reverse_risk"](
            fit, source, labels, source, fold),
        lambda *args: MASTER["reverse_risk"](*args) + 0 * MASTER["reverse_risk"](*args),
        lambda fit, source, labels, target, fold: MASTER["reverse_risk"](
            fit, source, labels, target, torch.arange(len(labels)) % 2),
    ],
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_lazy_answers_fail(question):
    refuses(check, question, LAZY[question])


@pytest.mark.parametrize("question, i", [
    *(("reversal", i) for i in (0, 1)), *(("unit_terms", i) for i in (4, 5, 6)),
    *(("align", i) for i in (0, 1)), *(("reverse_risk", i) for i in (1, 2, 3, 4))])
def test_answers_that_change_an_argument_fail(question, i):
    def answer(*args):
        result = MASTER[question](*args)
        result = result.clone() if isinstance(result, torch.Tensor) else result
        with torch.no_grad():
            (args[i][0] if isinstance(args[i], tuple) else args[i]).data.add_(1)
        return result

    with pytest.raises(AssertionError, match="in place"):
        check(question, answer)


@pytest.mark.parametrize("i", range(4))
@pytest.mark.parametrize("touch", TOUCHES)
def test_answers_that_leave_a_network_changed_fail(i, touch):
    def answer(*args):
        result = MASTER["unit_terms"](*args)
        touch(args[i])
        return result

    with pytest.raises(AssertionError, match="not as it was|expected"):
        check("unit_terms", answer)


def test_labels_of_the_target_cannot_reach_the_risk():
    """Whatever `fit` sees of a label is a source's, or its own guess."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.randint(3, (30,), generator=rng)
    source, target = (torch.randn(n, 2, generator=rng) for n in (30, 13))
    seen = []

    def fit(x, y, other, new):
        seen.append((len(x), y))
        return torch.full((len(new),), 7)

    risk = MASTER["reverse_risk"](fit, source, labels, target, torch.arange(30) % 3)
    assert risk == 1
    assert all((y == 7).all() if n == 13 else set(y.tolist()) <= {0, 1, 2} for n, y in seen)
    assert [n for n, _ in seen] == 3 * [20, 13]
