"""What is not there in grading, such as a screen, a network or a GPU, and what stands in for it on
the student's side: a line that only shows, installs or asks costs no answer.

Each stand-in does nothing and says so, once a cell, in what the cell shows.
"""
import ast
import builtins
import functools
import getpass
import os
import pdb
import re
import subprocess
import sys

import torch
from IPython.utils import process

INSTALLS = re.compile(r"\s*(sudo\s+)?(\S+\s+-m\s+)?(\S*/)?(pip[\d.]*|uv|conda|mamba|apt|apt-get)\s"
                      r"(.*\s)?(install|add|update|upgrade|uninstall|remove)\b")
INSTALLERS = ("pip", "uv", "conda", "mamba", "micromamba")
PICTURES = ("inline", "module://matplotlib_inline.backend_inline", "agg", "cairo", "pdf", "pgf",
            "ps", "svg", "template")            # of matplotlib's backends, those without a window
RUNS_CODE = ("run", "time", "timeit", "prun")   # magics whose errors are those of the code
# Packages that show, log or check, and compute nothing.
FOR_SHOW = ("google.colab", "wandb", "tensorboard", "tensorboardX", "torch.utils.tensorboard",
            "mlflow", "comet_ml", "seaborn", "plotly", "torchinfo", "torchsummary", "torchviz",
            "livelossplot", "ipympl", "jupyterthemes", "ipdb", "icecream", "rich", "line_profiler",
            "memory_profiler", "jaxtyping", "torchtyping", "beartype", "typeguard")
MOST_ASKED = 100        # times in one cell, after which whoever asks until somebody answers is told
NO_GPU = ('there is no GPU here; a device is chosen by torch.device("cuda" if '
          'torch.cuda.is_available() else "cpu")')
NO_INSTALLING = "nothing is installed; what this course needs is there"
NO_WINDOWS = "figures are pictures in the page; another way to show them is ignored"
NO_KEYS = "nobody can answer; what asks gets an empty text"
NO_DEBUGGER = "nobody can answer a debugger; it is ignored"
EAGER = "nothing is compiled; a function runs as it is written, with the same results"


class Nothing:
    """Whatever is asked of it does nothing, and gives this again; as a decorator it leaves what it
    decorates."""

    def __call__(self, *args, **kwargs):
        return args[0] if len(args) == 1 and not kwargs and callable(args[0]) else self

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key):
        return self

    def __or__(self, other):
        return self

    def __enter__(self):
        return self

    def __iter__(self):
        return iter(())

    def __setitem__(self, key, value): ...

    def __exit__(self, *error): ...

    def __bool__(self):
        return False

    def __mro_entries__(self, bases):
        return ()

    __ror__ = __or__


class Absent:
    """A module, or what lies in one, that is not there: whoever uses it reads why."""

    def __init__(self, why: str):
        self.__dict__["why"] = why

    def _refuse(self, *args, **kwargs):
        raise ModuleNotFoundError(self.__dict__["why"])

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        self._refuse()

    __call__ = __getitem__ = __iter__ = __enter__ = __mro_entries__ = __setattr__ = _refuse

    def __exit__(self, *error): ...


class Imports(ast.NodeTransformer):
    """Lets a cell go on where a module that it imports is not there, unless it sees to that itself:
    in `try`, `with` and functions nothing is changed."""

    def visit(self, node):
        if isinstance(node, ast.Module | ast.If):
            return self.generic_visit(node)
        if isinstance(node, ast.Import):
            bound = lambda name: name.asname or name.name.split(".")[0]
            return [_let_go_on(ast.Import([name]), name.name, [bound(name)], node)
                    for name in node.names]
        if isinstance(node, ast.ImportFrom) and not node.level and node.module != "__future__":
            names = [name.asname or name.name for name in node.names if name.name != "*"]
            return _let_go_on(node, node.module, names, node)
        return node


def _let_go_on(statement: ast.stmt, module: str, names: list[str], at: ast.stmt) -> ast.stmt:
    made = ast.parse("try: pass\nexcept ModuleNotFoundError: __import__('IPython').get_ipython()."
                     f"stand_in({module!r}, {names!r})").body[0]
    made.body = [statement]
    for node in ast.walk(made):
        ast.copy_location(node, at)
    return made


class Lenient:
    """A shell in which what is not there costs no other line. `note` says a sentence."""

    def note(self, sentence: str) -> None:
        self.outputs.note(sentence)

    def stand_in(self, module: str, names: list[str]) -> None:
        """Binds the names that an import of this module was to bind."""
        lacks = getattr(sys.exception(), "name", "") or module
        if any(f"{module}.".startswith(f"{known}.") for known in FOR_SHOW):
            self.note(f"{module} is not there; what is called of it does nothing")
            value = Nothing()
        else:
            why = f"{lacks} is not there"
            self.note(f"{why}; lines that do not use it run")
            value = Absent(f"{why} in grading")
        self.user_ns.update(dict.fromkeys(names, value))

    def enable_matplotlib(self, gui=None):
        if gui and gui.lower() not in (*PICTURES, "auto"):
            self.note(NO_WINDOWS)
        return super().enable_matplotlib("inline")

    def enable_gui(self, gui=None): ...

    def system(self, cmd: str) -> None:
        cmd = self.var_expand(cmd, depth=1)
        self.user_ns["_exit_code"] = 0
        if INSTALLS.match(cmd):
            self.note(NO_INSTALLING)
        elif cmd.rstrip().endswith("&"):
            self.note("nothing runs in the background; this is ignored")
        else:
            self.user_ns["_exit_code"] = process.system(cmd)

    def run_line_magic(self, magic_name: str, line: str, _stack_depth: int = 1):
        if magic_name in INSTALLERS:
            return self.note(NO_INSTALLING)
        if magic_name not in RUNS_CODE and not self.find_line_magic(magic_name):
            return self.note(f"%{magic_name} is not there; it is ignored")
        try:
            return super().run_line_magic(magic_name, line, _stack_depth + 1)
        except Exception as error:
            if magic_name in RUNS_CODE:
                raise
            self.note(f"%{magic_name} does not work ({error}); it is ignored")

    def run_cell_magic(self, magic_name: str, line: str, cell: str):
        if magic_name == "timeit":
            self.note("%%timeit runs its cell once")
            cell = re.sub(r"-[a-z]+\s*\d*", "", line).strip() + "\n" + cell
        elif self.find_cell_magic(magic_name):
            return super().run_cell_magic(magic_name, line, cell)
        else:
            self.note(f"%%{magic_name} is not there; its cell runs without it")
        self.run_cell(cell)


def hint(error: BaseException) -> str:
    """What else is to be said of an error, or ""."""
    gpu = re.search(r"CUDA|NVIDIA|\bMPS\b", str(error)) and not torch.cuda.is_available()
    return f"In grading {NO_GPU}." if gpu else ""


def make_lenient(shell: Lenient) -> None:
    """Puts the stand-ins into this process, where they stay."""
    shell.ast_transformers.append(Imports())
    _pictures(shell)

    def ask(prompt: str = "", *_, **__) -> str:
        shell.outputs.asked += 1
        if shell.outputs.asked > MOST_ASKED:
            raise EOFError(f"In grading {NO_KEYS}.")
        print(prompt)
        shell.note(NO_KEYS)
        return ""

    def no_debugger(*_, **__) -> None:
        shell.note(NO_DEBUGGER)

    def leave_debugger(self, intro=None) -> None:
        shell.note(NO_DEBUGGER)
        self.set_continue()

    builtins.input = getpass.getpass = ask
    sys.breakpointhook = pdb.set_trace = no_debugger
    pdb.Pdb.cmdloop = leave_debugger
    if not torch.cuda.is_available():
        torch.cuda.synchronize = torch.cuda.reset_peak_memory_stats = lambda *_: None
        torch.cuda.get_device_name = lambda *_: shell.note(NO_GPU) or "no GPU"
    compiles, starts, changes_to = torch.compile, subprocess.Popen.__init__, os.chdir

    @functools.wraps(compiles)
    def compiled(model=None, **kwargs):
        shell.note(EAGER)
        torch.compiler.set_stance("force_eager")
        kept = {key: kwargs[key] for key in ("fullgraph", "dynamic", "disable") if key in kwargs}
        return compiles(model, backend="eager", **kept)

    @functools.wraps(starts)
    def started(self, args, *more, **kwargs):
        words = [args] if isinstance(args, str) else args if isinstance(args, list | tuple) else []
        if INSTALLS.match(" ".join(map(str, words))):
            shell.note(NO_INSTALLING)
            args = "true" if isinstance(args, str) else ["true"]
        starts(self, args, *more, **kwargs)

    @functools.wraps(changes_to)
    def changed(path):
        try:
            changes_to(path)
        except FileNotFoundError:
            if not str(path).startswith(("/content", "/kaggle")):
                raise
            shell.note(f"{path} is not there; the folder stays what it is")

    torch.compile, subprocess.Popen.__init__, os.chdir = compiled, started, changed


def _pictures(shell: Lenient) -> None:
    """Figures are shown as PNG, whatever a cell asks for."""
    from matplotlib import pyplot
    from matplotlib_inline.config import InlineBackend
    switch, inline = pyplot.switch_backend, InlineBackend.instance(parent=shell)

    @functools.wraps(switch)
    def switched(newbackend):
        known = not isinstance(newbackend, str) or newbackend.lower() in PICTURES
        if not known:
            return shell.note(NO_WINDOWS)
        switch(newbackend if isinstance(newbackend, str) else "inline")

    def with_png(change):
        if not change.new & {"png", "retina", "png2x"}:
            inline.figure_formats = change.new | {"png"}

    pyplot.switch_backend = switched
    inline.observe(with_png, "figure_formats")
