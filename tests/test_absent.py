"""What is not there in grading, a screen, a network, keys, a GPU, costs no line that does without
it, and the student reads so."""
import pytest

from course_lib.grading.absent import INSTALLS
from course_lib.grading.cells import Cell
from course_lib.grading.engine import Engine, Settings
from course_lib.grading.orders import Limits

pytestmark = pytest.mark.loop
WINDOWS, KEYS, INSTALLED = "figures are pictures", "nobody can answer", "nothing is installed"
DRAWS = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show(block=True)"
# Lines above an answer, and what the student reads of them.
LINES = {
    "%matplotlib widget": WINDOWS, "%matplotlib qt": WINDOWS, "%matplotlib notebook": WINDOWS,
    "%matplotlib tk\n" + DRAWS: WINDOWS, "%pylab osx": WINDOWS,
    "import matplotlib\nmatplotlib.use('TkAgg')\n" + DRAWS: WINDOWS,
    "import matplotlib.pyplot as plt\nplt.switch_backend('webagg')\n" + DRAWS: WINDOWS,
    "get_ipython().run_line_magic('matplotlib', 'ipympl')": WINDOWS,
    "%config InlineBackend.figure_format = 'svg'\n" + DRAWS: "",
    "%load_ext autoreload\n%autoreload 2": "",
    "%load_ext tensorboard\n%tensorboard --logdir runs": "%tensorboard is not there",
    "%no_such_magic 3": "%no_such_magic is not there", "%%no_such_magic": "runs without it",
    "%%time": "", "%%timeit -n3 -r3": "runs its cell once", "%%capture": "",
    "%pip install torchinfo": INSTALLED, "!pip3 -q install torchinfo": INSTALLED,
    "!apt-get -qq install -y graphviz": INSTALLED, "%conda install x": INSTALLED,
    "import subprocess, sys\n"
    "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'x'])": INSTALLED,
    "!nvidia-smi": "", "!tensorboard --logdir runs &": "nothing runs in the background",
    "%cd /nowhere": "No such file",
    "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive\n"
    "import os\nos.chdir('/content/drive/MyDrive')": "google.colab is not there",
    "from google.colab import files\nfor name in files.upload().keys(): print(name)":
        "does nothing",
    "import google.colab\ngoogle.colab.output.clear()": "does nothing",
    "name = input('your name? ')\nimport getpass\ngetpass.getpass()": KEYS,
    "breakpoint()\nimport pdb; pdb.set_trace()\n%debug": KEYS,
    "import torch, wandb\nwandb.init(project='x')\nwith wandb.run as r: r.log({'x': 1})":
        "wandb is not there",
    "from torch.utils.tensorboard import SummaryWriter\nSummaryWriter().add_scalar('x', 1, 2)":
        "does nothing",
    "import tensorflow as tf, numpy": "tensorflow is not there; lines that do not use it run",
    "from no_such_module import *": "no_such_module is not there",
    "import torch\ntorch.cuda.synchronize()\nprint(torch.cuda.get_device_name(0))": "no GPU",
    "from ipywidgets import interact\ninteract(lambda x: x, x=3)": "",
    "from tqdm.notebook import tqdm\nfor i in tqdm(range(3)): pass": "",
}
LINES["try:\n    import google.colab\n    raise SystemExit\nexcept ImportError: print('at home')"
      ] = "at home"
LINES["import contextlib\nwith contextlib.suppress(ImportError):\n    import wandb\n"
      "    raise SystemExit\nprint('at home')"] = "at home"
COMPILED = """
import torch
@torch.compile
def a(x):
    return x.sin()
@torch.compile(mode="max-autotune", fullgraph=True)
def b(x):
    return x.sin()
net = torch.nn.Linear(2, 2)
net.compile()
c = torch.compile(net)
assert torch.equal(c(torch.ones(2)), net(torch.ones(2))) and "_orig_mod.bias" in c.state_dict()
@torch.jit.script
def d(x):
    return x.sin()
"""


@pytest.fixture(scope="module")
def graded():
    """What is shown of a cell with each of the lines, of its test, and of the cells of `odd`."""
    answers = [Cell("answer", f"{line}\ndef f{i}(x):\n    return {i} * x\n", names=(f"f{i}",))
               for i, line in enumerate(LINES)]
    tests = [Cell("test", f"assert f{i}(2) == {2 * i}", f"test_{i}") for i in range(len(LINES))]
    asks = "def asks():\n    return input('?') + str(1)\ndef device():\n    return str(" \
           "__import__('torch').zeros(1, device='cuda'))"
    odd = [Cell("answer", "import no_such_module\nno_such_module.f()"),
           Cell("answer", "while not input(): pass"), Cell("answer", "1 / 0"),
           Cell("answer", asks, names=("asks", "device")),
           Cell("test", "assert asks() == '1'", "test_asks"),
           Cell("test", "device()", "test_device"),
           Cell("answer", COMPILED, names=tuple("abd")),
           *[Cell("test", f"import torch\nx = torch.ones(2, requires_grad=True)\n"
                          f"{name}(x).sum().backward()\nassert torch.equal(x.grad, x.cos())", name)
             for name in "abd"]]
    with Engine(Settings(Limits(memory=1 << 30, total=300, cell=60))) as engine:
        shown = engine.grade([*answers, *tests, *odd])
    n = len(LINES)
    return dict(zip(LINES, zip(shown[:n], shown[n:2 * n]))), shown[2 * n:]


def text(outputs: list[dict]) -> str:
    return "\n".join(str(output.get("text") or output.get("traceback") or output.get("data"))
                     for output in outputs)


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_cannot_work_here_costs_no_answer(graded, line):
    shown, test = graded[0][line]
    assert not [output for output in shown + test if output["output_type"] == "error"]
    assert LINES[line] in text(shown)
    assert ("In grading" in text(shown)) == (LINES[line] not in ("", "No such file", "at home"))
    assert line.endswith(DRAWS) == any("image/png" in output.get("data", ()) for output in shown)


def test_what_needs_it_fails_with_a_sentence(graded):
    uses, waits, divides, _, asks, device, *_ = map(text, graded[1])
    assert "ModuleNotFoundError: no_such_module is not there in grading" in uses
    assert "EOFError" in waits and KEYS in waits
    assert "ZeroDivisionError" in divides and "In grading" not in divides
    assert KEYS in asks and "AnswerError" not in asks
    assert "there is no GPU here" in device and "torch.cuda.is_available()" in device


def test_an_answer_that_compiles_runs_as_it_is_written(graded):
    cell, *tests = graded[1][6:]
    assert "nothing is compiled" in text(cell) and "Error" not in text(cell)
    assert tests == [[], [], []]


@pytest.mark.parametrize("line, installs", [
    ("pip install x", True), ("sudo apt update", True), ("uv pip install x", True),
    ("/usr/bin/python3 -m pip install -q x", True), ("pip list", False),
    ("echo pip install", False), ("python install.py", False), ("pipenv run x", False)])
def test_what_installs(line, installs):
    assert bool(INSTALLS.match(line)) == installs
