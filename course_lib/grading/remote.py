"""The checker's end of a student's kernel: it starts kernels, and stands in for their functions.

`Answer` is what a test cell calls. It sends its arguments, and receives results, gradients and
errors; nothing that comes back is more than plain data.
"""
import builtins
import contextlib
import inspect
import socket
import time

import torch

from course_lib.grading.channel import MAX_BYTES, CannotCross, Channel, Violation
from course_lib.grading.machine import Unprotected
from course_lib.grading.orders import Limits, NoSandbox
from course_lib.grading.sandbox import Sandbox
from course_lib.grading.wire import decode, encode, tensors

CALLS = 5000                # of a test's functions, in one test cell; right answers make 4000
NOT_RAISABLE = StopIteration | StopAsyncIteration | UnicodeError | BaseExceptionGroup
RAISABLE = {name: kind for name, kind in vars(builtins).items() if isinstance(kind, type)
            and issubclass(kind, Exception) and not issubclass(kind, NOT_RAISABLE)}


class AnswerError(Exception):
    """The student's function raised something that is no built-in error."""


class KernelDied(BaseException):
    """The student's kernel ended, hung, or broke the protocol; the message says what happened. No
    Exception, so that no test takes it for an error that it expects."""


class RemoteKernel:
    """A student's kernel and its sandbox. One that ends is replaced when it is next needed, and the
    cells that ran in the old one run again, but for the one that ended it. `fault`: why there is
    none, where that is no fault of the student's."""

    def __init__(self, server: socket.socket | None, command: list[str], limits: Limits,
                 group: str = ""):
        self.server, self.command, self.limits, self.group = server, command, limits, group
        self.channel, self.sandbox, self.history = None, None, []
        self.n, self.interrupted, self.calls, self.fault = 0, False, 0, ""
        self.deadline, self.end = 0.0, time.monotonic() + limits.total

    def allow(self, seconds: float) -> None:
        """Sets the time by which whatever is asked from now on must be answered, and how much all
        the answers may hold."""
        self.deadline = min(time.monotonic() + seconds, self.end)
        if self.channel:
            self.channel.room = 4 * MAX_BYTES

    def start(self) -> None:
        """Starts a kernel, and runs again what ran in the one before it."""
        while self.channel is None:
            try:
                self._connect()
            except (OSError, ValueError, NoSandbox) as error:
                self.fault = f"its kernel could not enter its sandbox ({error})"
                raise NoSandbox(self.fault) from None
            for source in list(self.history):
                self.allow(self.limits.cell)
                try:
                    self._ask({"do": "run", "source": source}, [], [])
                except (TimeoutError, Violation, EOFError):
                    self.history.remove(source)     # it ran before, but no more: do without it
                    self.stop()
                    if time.monotonic() > self.end:
                        raise TimeoutError from None
                    break

    def _connect(self) -> None:
        self.socket, its = socket.socketpair()
        with its:
            self.sandbox = (Sandbox(self.command, self.limits, self.group, self.server, its)
                            if self.server else Unprotected(self.command, its))
        self.channel = Channel(self.socket.fileno(), self.socket.fileno())

    def stop(self) -> str:
        """Ends the kernel. Returns what the sandbox had ended it for, or ""."""
        broken = self.sandbox.close() if self.sandbox else ""
        if self.sandbox:
            self.socket.close()
        self.channel = self.sandbox = None
        return broken

    def run(self, source: str) -> list[dict]:
        """Runs a cell of the student's side; returns its outputs, of which nothing is certain but
        their JSON types."""
        reply, _ = self.ask({"do": "run", "source": source}, [])
        if not self.interrupted:
            self.history.append(source)
        outputs = reply.get("outputs")
        return outputs if isinstance(outputs, list) else []

    def ask(self, request: dict, data: list[bytes],
            callbacks: list | None = None) -> tuple[dict, bytes]:
        """Errors: KernelDied, after which the next question goes to a new kernel."""
        if time.monotonic() > self.end:
            raise KernelDied(f"the notebook took more than {self.limits.total:.0f} seconds")
        slow = f"this took more than {self.limits.cell:.0f} seconds"
        try:
            if self.channel is None:
                self.start()
                self.allow(self.limits.cell)
            answer = self._ask(request, data, callbacks or [])
            if self.interrupted and request["do"] != "run":
                raise KernelDied(slow)
            return answer
        except TimeoutError:
            why = slow
        except Violation as violation:
            why = f"the kernel sent what it must not send: {violation}"
        except EOFError:
            why = "the kernel died"
        broken = self.stop()
        raise KernelDied(f"the sandbox allows no {broken}" if broken else why)

    def _ask(self, request: dict, data: list[bytes], callbacks: list) -> tuple[dict, bytes]:
        self.n += 1
        self.channel.send(request | {"id": self.n}, data, self.deadline)
        self.interrupted, deadline = False, self.deadline
        while True:
            try:
                reply, blob = self.channel.receive(deadline)
            except TimeoutError:
                if self.interrupted:
                    raise
                self.sandbox.interrupt()
                self.interrupted, deadline = True, time.monotonic() + 2
                continue
            if "callback" in reply:
                self._call_back(reply, blob, callbacks)
                continue
            if reply.get("id") != self.n:
                raise Violation("an answer to another question")
            return reply, blob

    def _call_back(self, message: dict, blob: bytes, callbacks: list) -> None:
        index, data = message["callback"], []
        if type(index) is not int or not 0 <= index < len(callbacks):
            raise Violation("a call of a function that it was not given")
        arguments = decode(message.get("args"), blob)
        if not (isinstance(arguments, tuple) and list(map(type, arguments)) == [tuple, dict]
                and all(isinstance(key, str) for key in arguments[1])):
            raise Violation("a call without arguments")
        self.calls += 1
        try:
            if self.calls > CALLS:
                raise AssertionError("the functions that this test hands to your answers were "
                                     f"called more than {CALLS} times.")
            with torch.no_grad():
                result = callbacks[index](*arguments[0], **arguments[1])
                reply = {"result": encode(result, data, [])}
        except AssertionError:              # the test's own, which the answer must not catch
            self.stop()
            raise
        except Exception as error:
            reply, data = {"raised": f"{type(error).__name__}: {error}"}, []
        self.channel.send(reply, data, self.deadline)


class _Graph(torch.autograd.Function):
    """The results of a call as a function of those arguments that want a gradient, which the kernel
    computes."""

    @staticmethod
    def forward(ctx, answer, graph, wanted, asked, results, *inputs):
        ctx.answer, ctx.graph, ctx.wanted, ctx.asked = answer, graph, wanted, asked
        ctx.inputs = [(x.shape, x.dtype) for x in inputs]
        results = tuple(result.clone() for result in results)
        ctx.mark_non_differentiable(*(x for x, want in zip(results, wanted) if not want))
        ctx.set_materialize_grads(False)
        return results

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *grads):
        grads = [grad if want else None for grad, want in zip(grads, ctx.wanted)]
        found, _ = ctx.answer.request({"do": "gradient", "graph": ctx.graph}, grads=grads)
        if not isinstance(found, list) or len(found) != len(ctx.inputs):
            raise Violation("gradients of other arguments")
        for grad, like in zip(found, ctx.inputs):
            fits = isinstance(grad, torch.Tensor) and (grad.shape, grad.dtype) == like
            if grad is not None and not fits:
                raise Violation("gradients of other shapes")
        ctx.asked.append((grads, found))
        return None, None, None, None, None, *found


class Answer:
    """Stands for a function of the student's: numbers, text, tensors and arrays go there, and come
    back. `calls` holds arguments and results, and what gradients were asked for and came back, for
    misconceptions, as far as they are few."""

    crosses = True

    def __init__(self, kernel: RemoteKernel, name: str, parameters: list[str]):
        self.kernel, self.changed, self.printed = kernel, (), ""
        self.__name__ = self.__qualname__ = name
        names = dict.fromkeys(p for p in parameters[:50]
                              if isinstance(p, str) and len(p) < 100 and p.isidentifier())
        either = inspect.Parameter.POSITIONAL_OR_KEYWORD
        with contextlib.suppress(ValueError):
            self.__signature__ = inspect.Signature([inspect.Parameter(p, either) for p in names])
        self.calls, self.room = [], 1 << 20

    def __repr__(self) -> str:
        return f"<answer {self.__name__}>"

    def __call__(self, *args, **kwargs):
        inputs, grad = tensors((args, kwargs)), torch.is_grad_enabled()
        wrt = [i for i, x in enumerate(inputs) if x.requires_grad] if grad else []
        request = {"do": "call", "name": self.__name__, "wrt": wrt, "grad": grad}
        result, reply = self.request(request, args=(args, kwargs))
        for generator in _generators((args, kwargs)):
            # the next call draws other numbers, as it would in one process
            generator.manual_seed(int(torch.randint(2 ** 62, (), generator=generator)))
        changed, graph, wanted = (reply.get(key) for key in ("changed", "graph", "requires_grad"))
        changed = changed if isinstance(changed, list) else []
        self.changed = tuple(i for i in changed if type(i) is int and 0 <= i < len(args))
        results, asked = tensors(result), []
        if wrt and type(graph) is int and isinstance(wanted, list) and len(wanted) == len(results):
            wanted = [want is True and (x.is_floating_point() or x.is_complex())
                      for want, x in zip(wanted, results)]
            linked = _Graph.apply(self, graph, wanted, asked, results,
                                  *(inputs[i] for i in wrt))
            result = _replace(result, iter(linked))
        self.room -= sum(x.numel() for x in tensors((args, kwargs, result))) + 100
        if self.room > 0:
            self.calls.append((args, kwargs, result, wrt, asked))
        return result

    def request(self, request: dict, **values):
        """Sends the values with the request. Returns the decoded result, and the reply."""
        data, callbacks = [], []
        for key, value in values.items():
            request[key] = encode(value, data, callbacks)
        reply, blob = self.kernel.ask(request, data, callbacks)
        printed = reply.get("printed")
        for said in printed[:10] if isinstance(printed, list) else []:
            if isinstance(said, dict) and isinstance(said.get("text"), str):
                self.printed = (self.printed + said["text"][:10_000])[:10_000]
        if "raised" in reply:
            raise _error(reply["raised"])
        return decode(reply.get("result"), blob), reply


def _error(raised) -> BaseException:
    if not (isinstance(raised, list) and list(map(type, raised)) == [str, str]):
        return Violation("an error without a name")
    name, text = raised[0], raised[1].encode("utf-8", "replace").decode()[:2000]
    if name == "CannotCross":
        return CannotCross(text)
    if name in RAISABLE:
        return RAISABLE[name](text)
    return AnswerError(f"{name[:80]}: {text}" if name.isidentifier() else text)


def _generators(x) -> list[torch.Generator]:
    items = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple) else ()
    return [x] if type(x) is torch.Generator else [g for item in items for g in _generators(item)]


def _replace(x, linked):
    if isinstance(x, torch.Tensor):
        return next(linked)
    if isinstance(x, dict):
        return {key: _replace(value, linked) for key, value in x.items()}
    if isinstance(x, list | tuple):
        return type(x)(_replace(item, linked) for item in x)
    return x
