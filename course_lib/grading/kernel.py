"""The student's side: a small IPython kernel that runs cells, and calls functions that they define.

It runs inside the sandbox, in the same process as the student's code, and so nothing that it says
is trusted. It reads requests from one file descriptor and answers on another;
`python -m course_lib.grading.kernel` takes stdin and stdout.
"""
import base64
import importlib
import inspect
import io
import os
import signal
import sys
import types
from collections import OrderedDict

import torch
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from course_lib.checks.copies import copied, marks, unchanged
from course_lib.grading.absent import Lenient, hint, make_lenient
from course_lib.grading.channel import CannotCross, Channel
from course_lib.grading.unpack import lay
from course_lib.grading.wire import decode, encode, tensors

MAX_TEXT = 200_000          # characters of text that a cell shows; what follows is cut off
GRAPHS = 32                 # results kept for gradients that may be asked for later


class Outputs(list):
    """What one cell has shown so far, as nbformat's outputs."""

    room, noted, asked = MAX_TEXT, frozenset(), 0

    def note(self, sentence: str) -> None:
        """Says what is different in grading, once."""
        if sentence not in self.noted:
            self.noted |= {sentence}
            self.stream("stderr", f"In grading {sentence}.\n")

    def stream(self, name: str, text: str) -> None:
        text = text[:max(self.room, 0)]
        self.room -= len(text)
        if self and self[-1].get("name") == name:
            self[-1]["text"] += text
        elif text:
            self.append({"output_type": "stream", "name": name, "text": text})


class Stream:
    encoding, errors = "utf-8", "replace"

    def __init__(self, shell, name: str):
        self.shell, self.name = shell, name

    def write(self, text: str) -> int:
        self.shell.outputs.stream(self.name, str(text))
        return len(text)

    def writelines(self, lines) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True


class Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        self.shell.outputs.append({"output_type": "display_data", "data": _plain(data),
                                   "metadata": {}})

    def clear_output(self, wait=False):
        self.shell.outputs.clear()


class Hook(DisplayHook):
    def start_displayhook(self): ...

    def write_output_prompt(self): ...

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.outputs.append({"output_type": "execute_result", "data": _plain(format_dict),
                                   "metadata": {}, "execution_count": self.prompt_count})

    def finish_displayhook(self): ...


def _plain(data: dict) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() if isinstance(value, bytes) else value
            for key, value in data.items() if isinstance(value, str | bytes)}


class Shell(Lenient, InteractiveShell):
    display_pub_class = Type(Publisher)
    displayhook_class = Type(Hook)
    outputs = Outputs()

    def _showtraceback(self, etype, evalue, stb):
        trace = [*self.InteractiveTB.stb2text(stb).split("\n"), *filter(None, [hint(evalue)])]
        self.outputs.append({"output_type": "error", "ename": etype.__name__, "evalue": str(evalue),
                             "traceback": trace})

    def init_sys_modules(self):
        self._main_mod_cache = {}
        sys.modules[self.user_module.__name__] = self.user_module


def make_shell() -> Shell:
    """The shell, before any code of a student has run; a fork server makes it once."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.update({"colors": "NoColor", "xmode": "Context"})
    shell = Shell.instance(config=config, user_module=types.ModuleType("__main__"))
    sys.modules["__main__"] = shell.user_module
    shell.enable_matplotlib("inline")
    make_lenient(shell)
    return shell


def warm_figure() -> None:
    """The first figure of a process takes a second, so it is drawn once, before any kernel is."""
    from matplotlib import pyplot
    fig, ax = pyplot.subplots()
    ax.set(title="$x$", xlabel="x")
    fig.savefig(io.BytesIO(), format="png")
    pyplot.close(fig)


class Kernel:
    def __init__(self, channel: Channel, shell: Shell):
        self.channel, self.shell, self.graphs, self.n = channel, shell, OrderedDict(), 0

    def serve(self) -> None:
        while True:
            try:
                request, data = self.channel.receive()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            self.answer(request, data)

    def answer(self, request: dict, data: bytes) -> None:
        reply, out = {"id": request["id"]}, []
        self.shell.outputs = Outputs()
        try:
            reply |= getattr(self, "do_" + request["do"])(request, data, out)
        except BaseException as error:          # a student's function may raise anything
            out.clear()
            reply["raised"] = [type(error).__name__, _told(error)[:10_000]]
        reply["printed"] = [o for o in self.shell.outputs if o["output_type"] == "stream"]
        try:
            self.channel.send(reply, out)
        except CannotCross as error:
            self.channel.send({"id": request["id"], "raised": ["CannotCross", str(error)]})

    def do_run(self, request, data, out) -> dict:
        if lay(request["source"]):
            return {"outputs": []}
        self.shell.run_cell(request["source"], store_history=True)
        return {"outputs": list(self.shell.outputs)}

    def do_names(self, request, data, out) -> dict:
        found, block = {}, []
        for name in request["names"]:
            if name in self.shell.user_ns:
                value, kept = self.shell.user_ns[name], len(block)
                try:
                    found[name] = ("value", value)
                    if callable(value):
                        found[name] = ("function", _parameters(value))
                    encode(found[name], block)
                except CannotCross as error:
                    found[name] = ("cannot", str(error))
                    del block[kept:]
        return {"result": encode(found, out)}

    def do_missing(self, request, data, out) -> dict:
        return {"result": [name for name in request["names"] if name not in self.shell.user_ns]}

    def do_call(self, request, data, out) -> dict:
        args, kwargs = decode(request["args"], data, self._callback)
        before = copied(args)
        inputs = tensors((args, kwargs))
        wrt = [inputs[i].requires_grad_() for i in request["wrt"]]
        marked = marks(args)
        with torch.set_grad_enabled(bool(request["grad"])):
            result = self.shell.user_ns[request["name"]](*args, **kwargs)
        changed = [i for i, arg in enumerate(args)
                   if not unchanged(before[i], arg) or marks(arg) != marked[i]]
        reply = {"result": encode(result, out), "changed": changed}
        results = tensors(result)
        if wrt and any(t.requires_grad for t in results):
            self.n += 1
            self.graphs[self.n] = results, wrt
            while len(self.graphs) > GRAPHS:
                self.graphs.popitem(last=False)
            reply |= {"graph": self.n, "requires_grad": [t.requires_grad for t in results]}
        return reply

    def do_gradient(self, request, data, out) -> dict:
        results, wrt = self.graphs[request["graph"]]
        grads = decode(request["grads"], data, self._callback)
        pairs = [(result, grad) for result, grad in zip(results, grads)
                 if result.requires_grad and grad is not None]
        with torch.autograd.set_detect_anomaly(False):      # NaN at a 0 beside it is no error here
            found = torch.autograd.grad([r for r, _ in pairs], wrt, [g for _, g in pairs],
                                        retain_graph=True, allow_unused=True)
        return {"result": encode(list(found), out)}

    def _callback(self, i: int):
        def callback(*args, **kwargs):
            data: list[bytes] = []
            self.channel.send({"callback": i, "args": encode((args, kwargs), data)}, data)
            reply, blob = self.channel.receive()
            if "raised" in reply:
                raise RuntimeError(reply["raised"])
            return decode(reply["result"], blob, self._callback)
        return callback


def _told(error: BaseException) -> str:
    return " ".join(filter(None, [str(error), hint(error)]))


def _parameters(function) -> list[str]:
    try:
        return [str(name) for name in inspect.signature(function).parameters]
    except (TypeError, ValueError):
        return []


def main(reader: int, writer: int, shell: Shell | None = None) -> None:
    """Serves until the other side hangs up. Whatever the student's code writes to stdout is an
    output of its cell."""
    shell = shell or make_shell()
    sys.path.insert(0, "")
    shell.user_ns["_dh"][:] = [os.getcwd()]        # where `%cd -` goes back to
    importlib.invalidate_caches()
    sys.stdout, sys.stderr = Stream(shell, "stdout"), Stream(shell, "stderr")
    sys.stdin = open(os.devnull)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Kernel(Channel(reader, writer), shell).serve()


if __name__ == "__main__":
    fds = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    main(*fds)
