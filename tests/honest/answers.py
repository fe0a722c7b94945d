"""Unusual ways to write a right answer."""
from course import cell
from exercise import questions

from honest import NAME, answer, before, inside, unusual

VALUE = "(pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)"


@unusual
def type_hints(nb):
    answer(nb, "optimal_discriminator", "from __future__ import annotations\nfrom torch import Tensor\n\ndef optimal_discriminator(log_p: Tensor, log_g: Tensor, "
                                        "pi: float | Whatever) -> Tensor:\n    odds: Tensor = log_p - log_g + math.log(pi / (1 - pi))\n    return odds.sigmoid()")


@unusual
def lambdas(nb):
    answer(nb, "optimal_discriminator", "optimal_discriminator = lambda log_p, log_g, pi: torch.sigmoid(log_p - log_g + math.log(pi) - math.log(1 - pi))")


@unusual
def class_with_call(nb):
    answer(nb, "generator_losses", "class Losses:\n    def __call__(self, logit_fake, w):\n        self.calls = getattr(self, 'calls', 0) + 1\n"
                                   "        share = w / w.sum()\n        return [(share * F.logsigmoid(-logit_fake)).sum(), -(share * F.logsigmoid(logit_fake)).sum()]\n\n"
                                   "generator_losses = Losses()")


@unusual
def partial_closure_and_decorator(nb):
    answer(nb, "game_value", "import functools\n\ndef counted(f):\n    calls = []\n    @functools.wraps(f)\n    def g(*args, **kwargs):\n        calls.append(1)\n"
                             "        return f(*args, **kwargs)\n    return g\n\n@counted\ndef value(power, D, p, g, pi):\n"
                             "    return (pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1) ** power\n\ngame_value = functools.partial(value, 1)")


@unusual
def warns_on_stderr(nb):
    inside(nb, "import warnings, sys; warnings.warn('careful'); print('hm', file=sys.stderr)")


@unusual
def logs(nb):
    inside(nb, "import logging; logging.warning('I was called')")


@unusual
def prints_a_lot(nb):
    for question in questions(NAME):
        if question != "proof":
            inside(nb, "print('here', 1.0, 99); print('x' * 1000)", question)


@unusual
def helper_in_an_own_cell(nb):
    before(nb, "game_value", "def xlog(p, q):\n    return torch.xlogy(p, q)")
    answer(nb, "game_value", "def game_value(D, p, g, pi):\n    return (pi * xlog(p, D) + (1 - pi) * xlog(g, 1 - D)).sum(-1)")


@unusual
def slow_but_within_the_limit(nb):
    before(nb, "game_value", "import time\ntime.sleep(3)")
    answer(nb, "game_value", "import time\nslept = []\n" + cell(nb, "game_value").source)
    inside(nb, "if not slept: time.sleep(3); slept.append(1)")


@unusual
def unicode_names(nb):
    answer(nb, "density_ratio", "# Verhältnis — größer ist echter 🎲\ndef density_ratio(logit, π, α):\n    ρ = α * torch.exp(-logit) - (1 - α)\n"
                                "    return torch.where(ρ > 0, (1 - π) / (π * ρ), math.inf)")


@unusual
def generators_and_recursion(nb):
    answer(nb, "game_value", "def terms(D, p, g, pi):\n    yield pi * torch.xlogy(p, D)\n    yield (1 - pi) * torch.xlogy(g, 1 - D)\n\ndef add(xs):\n"
                             "    return xs[0] if len(xs) == 1 else xs[0] + add(xs[1:])\n\ndef game_value(D, p, g, pi):\n    return add(list(terms(D, p, g, pi))).sum(-1)")


@unusual
def constants_of_the_notebook(nb):
    answer(nb, "density_ratio", "TINY = 0\ncount = 0\n\ndef density_ratio(logit, pi, a):\n    global count\n    count += 1\n    rest = a * torch.exp(-logit) - (1 - a)\n"
                                "    return torch.where(rest > 0, (1 - pi) / (pi * rest), math.inf) + TINY * PI * A")


@unusual
def helper_deleted_afterwards(nb):
    answer(nb, "jsd", cell(nb, "jsd").source + "\nhelper = 3\ndel helper")
    before(nb, "test_jsd", "%reset_selective -f helper")


@unusual
def imports_in_the_notebook(nb):
    inside(nb, "import numpy as np, scipy.special, itertools, dataclasses, collections, json, re")
    before(nb, "jsd", "from math import *\nimport torch.nn.functional as functional\nimport sympy")


@unusual
def type_checked_classes(nb):
    answer(nb, "game_value", "from __future__ import annotations\nfrom dataclasses import dataclass, field\nfrom enum import Enum\nfrom typing import NamedTuple\n\n"
                             "@dataclass(frozen=True)\nclass Prior:\n    pi: float\n    names: list[str] = field(default_factory=list)\n\n"
                             "class Kind(Enum):\n    REAL = 1\n    FAKE = 0\n\nclass Share(NamedTuple):\n    kind: Kind\n    weight: float\n\n"
                             "def game_value(D, p, g, pi: float, /):\n    match [Share(Kind.REAL, Prior(pi).pi), Share(Kind.FAKE, 1 - pi)]:\n"
                             "        case [Share(kind=Kind.REAL, weight=w), Share(weight=v)]:\n"
                             "            return (w * torch.xlogy(p, D) + v * torch.xlogy(g, 1 - D)).sum(-1)")


@unusual
def torch_module_and_bound_method(nb):
    answer(nb, "game_value", f"class Value(torch.nn.Module):\n    def forward(self, D, p, g, pi):\n        return {VALUE}\n\ngame_value = Value().eval()")
    answer(nb, "density_ratio", cell(nb, "density_ratio").source.replace("def density_ratio(", "def ratio(self, ")
           + "\n\nclass Ratio: pass\nRatio.ratio = ratio\ndensity_ratio = Ratio().ratio")


@unusual
def inference_mode_and_no_grad(nb):
    answer(nb, "density_ratio", "@torch.inference_mode()\n" + cell(nb, "density_ratio").source)
    inside(nb, "with torch.no_grad(): D + p")


@unusual
def function_with_its_own_gradient(nb):
    answer(nb, "discriminator_loss", "class Softplus(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.save_for_backward(x)\n"
                                     "        return F.softplus(x)\n    @staticmethod\n    def backward(ctx, grad):\n        return grad * ctx.saved_tensors[0].sigmoid()\n\n"
                                     "softplus = Softplus.apply\ndef discriminator_loss(logit_real, logit_fake, a):\n"
                                     "    real = a * softplus(-logit_real) + (1 - a) * softplus(logit_real)\n    return real.mean() + softplus(logit_fake).mean()")


@unusual
def torch_func_and_compile(nb):
    answer(nb, "game_value", f"@torch.compile(backend='eager')\ndef game_value(D, p, g, pi):\n    return {VALUE}")
    answer(nb, "generator_steps", "from torch.func import functional_call, grad\n\ndef generator_steps(D, G, zs, lr):\n    weights = dict(G.named_parameters())\n"
                                  "    loss = lambda w, z: -F.logsigmoid(D(functional_call(G, w, (z,)))).mean()\n    for z in zs:\n        slopes = grad(loss)(weights, z)\n"
                                  "        weights = {name: weight - lr * slopes[name] for name, weight in weights.items()}\n    return weights, D.state_dict()")


@unusual
def numpy_and_scipy(nb):
    answer(nb, "density_ratio", "import numpy as np\n\ndef density_ratio(logit, pi, a):\n    rest = a * np.exp(-logit.numpy()) - (1 - a)\n"
                                "    ratio = np.where(rest > 0, (1 - pi) / (pi * np.where(rest > 0, rest, 1)), np.inf)\n"
                                "    return torch.as_tensor(ratio, dtype=logit.dtype)")


@unusual
def namedtuple_of_bounds(nb):
    answer(nb, "jsd", "from collections import namedtuple\nBounds = namedtuple('Bounds', 'value low high')\n" + cell(nb, "jsd").source.replace(
        "    return ", "    return Bounds(*(").replace("math.log(1 - pi)\n", "math.log(1 - pi)))\n").replace("a, b: Bounds(*(", "a, b: "))


@unusual
def proof_as_a_tuple_built_by_code(nb):
    c = cell(nb, "proof")
    c.source += "\nproof: tuple = tuple(f'{line:s}'.replace(' ', '  ') for line in proof)\nassert len(proof) == 6, 'six lines'"


@unusual
def function_from_a_written_module(nb):
    before(nb, "game_value", f"%%writefile my_tools.py\nimport torch\n\ndef game_value(D, p, g, pi):\n    return {VALUE}")
    answer(nb, "game_value", "from my_tools import game_value")


@unusual
def magics_in_answers(nb):
    answer(nb, "game_value", "%%time\n" + cell(nb, "game_value").source)
    answer(nb, "jsd", "%%capture captured\n" + cell(nb, "jsd").source + "\nprint('said')")
    answer(nb, "density_ratio", cell(nb, "density_ratio").source + "\n%timeit -n1 -r1 density_ratio(torch.zeros(3), PI, A)\n!echo done\n%matplotlib inline")


@unusual
def main_guard_and_globals(nb):
    answer(nb, "game_value", f"if __name__ == '__main__':\n    def game_value(D, p, g, pi):\n        return {VALUE}")
    answer(nb, "density_ratio", cell(nb, "density_ratio").source.replace("def density_ratio", "def r") + "\nglobals()['density_ratio'] = r")


@unusual
def own_trials_below_the_answer(nb):
    cell(nb, "game_value").source += "\n\nD = p = g = torch.tensor([0.5, 0.5])\nprint(game_value(D, p, g, PI))\nassert game_value(D, p, g, PI).shape == (), 'mine'"
    cell(nb, "jsd").source += "\nraise RuntimeError('to do: the plot')"


@unusual
def progress_bars_and_plots_in_the_training(nb):
    for question in ("discriminator_steps", "generator_steps"):
        c = cell(nb, question)
        c.source = "from tqdm import tqdm\nfrom tqdm.notebook import tqdm as bar\nfrom IPython.display import clear_output\n" + c.source
        c.source = c.source.replace("in zip(xs, zs)", "in tqdm(list(zip(xs, zs)))").replace("for z in zs", "for z in bar(zs)")
        c.source = c.source.replace("        optimizer.step()\n", "        optimizer.step()\n        clear_output(wait=True)\n        display(float(loss))\n"
                                    "        plt.figure(); plt.plot([1, 2], [float(loss), 0]); plt.show()\n")


@unusual
def threads_in_the_answer(nb):
    answer(nb, "game_value", "from concurrent.futures import ThreadPoolExecutor\n\ndef game_value(D, p, g, pi):\n    with ThreadPoolExecutor(2) as pool:\n"
                             "        real, fake = pool.map(lambda pair: torch.xlogy(*pair), [(p, D), (g, 1 - D)])\n    return (pi * real + (1 - pi) * fake).sum(-1)")


@unusual
def caches(nb):
    answer(nb, "optimal_discriminator", "from functools import cache, lru_cache\n\n@cache\ndef shift(pi):\n    return math.log(pi) - math.log(1 - pi)\n\n@lru_cache(maxsize=None)\n"
                                        "def optimal_discriminator(log_p, log_g, pi):\n    return torch.sigmoid(log_p - log_g + shift(pi))")


@unusual
def devices_and_settings(nb):
    before(nb, "game_value", "device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')\nprint(device)\n!nvidia-smi")
    answer(nb, "game_value", f"def game_value(D, p, g, pi):\n    D, p, g = (x.to(device) for x in (D, p, g))\n    return {VALUE}.to('cpu')")
    before(nb, "jsd", "import os, sys\nsys.path.append('..')\nos.environ['KMP_DUPLICATE_LIB_OK'] = 'True'\nsys.setrecursionlimit(5000)\n"
                      "torch.set_printoptions(precision=2)\ntorch.autograd.set_detect_anomaly(True)\ntorch.set_default_dtype(torch.float64)")


@unusual
def warnings_are_errors(nb):
    before(nb, "game_value", "import warnings, numpy\nwarnings.simplefilter('error')\nnumpy.seterr(all='raise')")


@unusual
def lines_that_cannot_work_in_grading(nb):
    """One above each answer."""
    lines = ["%matplotlib widget", "!pip install -q torchinfo\nimport torchinfo", "name = input('name? ')", "%load_ext tensorboard",
             "from google.colab import drive\ndrive.mount('/content/drive')", "import matplotlib\nmatplotlib.use('QtAgg')", "%%timeit", "breakpoint()"]
    for question, line in zip([q for q in questions(NAME) if q != "proof"], lines):
        answer(nb, question, f"{line}\n{cell(nb, question).source}")
    setup = cell(nb, "setup")
    setup.source = "%matplotlib qt\n" + setup.source


@unusual
def compiles(nb):
    answer(nb, "game_value", f"@torch.compile(mode='max-autotune')\ndef game_value(D, p, g, pi):\n    return {VALUE}")
    answer(nb, "density_ratio", f"{cell(nb, 'density_ratio').source}\n\ndensity_ratio = torch.compile(density_ratio)")
    answer(nb, "optimal_discriminator", "@torch.jit.script\ndef optimal_discriminator(log_p, log_g, pi: float):\n    return torch.sigmoid(log_p - log_g + math.log(pi) - math.log(1 - pi))")
