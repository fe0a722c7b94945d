"""What crosses between the checker and a student's kernel: plain data as JSON and raw bytes, never
pickle.

`decode` trusts nothing: it builds numbers, text, tensors, arrays, and lists, tuples and dicts of
them, and whatever else it is sent is an error.
"""
import math

import numpy as np
import torch
from torch import Tensor, nn

from course_lib.checks import Net
from course_lib.grading.channel import MAX_BYTES, CannotCross, Violation

MAX_DEPTH, MAX_DIMS, MAX_BITS = 40, 16, 1024
DTYPES = {str(d).removeprefix("torch."): d for d in (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16,
    torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)}
ARRAYS = {str(np.dtype(d)): np.dtype(d) for d in "? b B h H i I q Q e f d F D".split()}


def tensors(x) -> list[Tensor]:
    """The tensors in x, in the order in which they cross, but for a network's weights."""
    if isinstance(x, Tensor | Net):
        return [x] if isinstance(x, Tensor) else []
    items = x.values() if isinstance(x, dict) else x if isinstance(x, list | tuple) else ()
    return [tensor for item in items for tensor in tensors(item)]


def encode(x, data: list[bytes], callbacks: list | None = None, depth: int = 0):
    """x as JSON; the bytes of its tensors and arrays are appended to data.

    Networks, generators and functions cross towards the student only, where callbacks is a list:
    functions are appended to it. Errors: CannotCross.
    """
    if depth > MAX_DEPTH:
        raise CannotCross(f"data nested more than {MAX_DEPTH} deep cannot cross")
    inside = lambda y: encode(y, data, callbacks, depth + 1)
    if x is None or type(x) in (bool, float, str):
        return x
    if isinstance(x, np.generic):
        return {"scalar": encode(np.asarray(x), data)["array"]}
    if isinstance(x, str):
        return str(x)
    if isinstance(x, int):
        if x.bit_length() > MAX_BITS:
            raise CannotCross(f"a whole number of more than {MAX_BITS} bits cannot cross")
        return int(x)
    if isinstance(x, float):
        return float(x)
    if isinstance(x, complex):
        return {"complex": [x.real, x.imag]}
    if isinstance(x, Tensor):
        if x.layout != torch.strided or x.device.type != "cpu" or x.dtype not in DTYPES.values():
            raise CannotCross(f"a tensor of {x.dtype}, {x.layout} on {x.device} cannot cross: "
                              "return a plain one on the CPU")
        _room(x.numel() * x.element_size(), data)
        plain = x.detach().as_subclass(Tensor)
        flat = torch.empty(x.numel(), dtype=x.dtype).copy_(plain.reshape(-1))
        data.append(flat.view(torch.uint8).numpy().tobytes())
        return {"tensor": [str(x.dtype).removeprefix("torch."), list(x.shape), len(data[-1])]}
    if isinstance(x, np.ndarray):
        if str(x.dtype) not in ARRAYS:
            raise CannotCross(f"an array of {x.dtype} cannot cross")
        _room(x.nbytes, data)
        data.append(np.ascontiguousarray(x).tobytes())
        return {"array": [str(x.dtype), list(x.shape), len(data[-1])]}
    if isinstance(x, Net) and callbacks is not None:
        return {"net": [x.name, inside(list(x.args)), inside(x.state), inside(x.frozen), x.grad,
                        inside(x.resting)]}
    if isinstance(x, list):
        return [inside(item) for item in x]
    if isinstance(x, tuple):
        return {"tuple": [inside(item) for item in x]}
    if isinstance(x, dict):
        return {"dict": [[inside(key), inside(value)] for key, value in x.items()]}
    if isinstance(x, torch.dtype):
        return {"dtype": str(x).removeprefix("torch.")}
    if isinstance(x, nn.Module) and callbacks is not None:
        raise CannotCross("a network cannot cross as it is: describe it with "
                          "course_lib.checks.Net")
    if isinstance(x, torch.Generator) and callbacks is not None:
        return {"generator": inside(x.get_state())}
    if callable(x) and callbacks is not None:
        callbacks.append(x)
        return {"callback": len(callbacks) - 1}
    raise CannotCross(f"an object of type {type(x).__name__} cannot cross: return numbers, text, "
                      "tensors or arrays, and lists, tuples and dicts of them")


def _room(size: int, data: list[bytes]) -> None:
    if size + sum(map(len, data)) > MAX_BYTES:
        raise CannotCross(f"{size:,} bytes are too many to cross; {MAX_BYTES:,} are allowed")


class Decoder:
    """Turns one frame into plain data. `callback(i)` stands for the i-th function; without it, only
    plain data is accepted."""

    def __init__(self, data: bytes, callback=None):
        self.data, self.callback, self.at = data, callback, 0

    def __call__(self, x, depth: int = 0):
        if depth > MAX_DEPTH:
            raise Violation("data nested too deep")
        if isinstance(x, list):
            return [self(item, depth + 1) for item in x]
        if isinstance(x, int) and x.bit_length() > MAX_BITS:
            raise Violation("a number that is too long")
        if not isinstance(x, dict):
            return x.encode("utf-8", "replace").decode() if isinstance(x, str) else x
        if len(x) != 1:
            raise Violation("not a value")
        (kind, body), inside = *x.items(), lambda y: self(y, depth + 1)
        if kind in ("tensor", "array", "scalar"):
            return self._block(kind, *body)
        if kind == "tuple":
            return tuple(inside(list(body)))
        if kind == "dict":
            return {inside(key): inside(value) for key, value in body}
        if kind == "complex":
            return complex(*map(float, body))
        if kind == "dtype":
            return DTYPES[body]
        if self.callback is None:
            raise Violation(f"a value of kind {str(kind)[:40]}")
        if kind == "net":
            args, state, *others = map(inside, body[1:])
            return Net(body[0], tuple(args), state, *others).build()
        if kind == "generator":
            return torch.Generator().set_state(inside(body))
        return self.callback(body)

    def _block(self, kind: str, dtype: str, shape: list, size: int):
        if not (isinstance(dtype, str) and type(size) is int and isinstance(shape, list)
                and len(shape) <= MAX_DIMS and all(type(n) is int and n >= 0 for n in shape)
                and math.prod(max(n, 1) for n in shape) <= MAX_BYTES):
            raise Violation("a malformed tensor")
        width = (DTYPES if kind == "tensor" else ARRAYS)[dtype].itemsize
        if size != math.prod(shape) * width or self.at + size > len(self.data):
            raise Violation("a tensor whose size is not its shape's")
        block = bytearray(memoryview(self.data)[self.at:self.at + size])
        self.at += size
        if kind != "tensor":
            array = np.frombuffer(block, np.uint8 if dtype == "bool" else dtype).reshape(shape)
            array = array != 0 if dtype == "bool" else array
            return array if kind == "array" else array.reshape(-1)[0]
        if not size:
            return torch.empty(shape, dtype=DTYPES[dtype])
        flat = torch.frombuffer(block, dtype=torch.uint8 if dtype == "bool" else DTYPES[dtype])
        return (flat != 0 if dtype == "bool" else flat).reshape(shape)


def decode(x, data: bytes, callback=None):
    """What `encode` made of a value, from a sender that is not trusted unless `callback` is given.
    Errors: Violation."""
    try:
        return Decoder(data, callback)(x)
    except Exception as error:                  # also where there is no memory for it
        if callback is not None:
            raise
        raise Violation(f"a malformed value ({type(error).__name__})") from None
