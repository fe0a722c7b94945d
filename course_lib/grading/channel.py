"""Frames over a pair of file descriptors: two lengths, a JSON text, and raw bytes.

Each has a limit, all of them have one together, and whoever waits for one has a deadline.
"""
import json
import math
import os
import select
import struct
import time
from collections.abc import Sequence

MAX_JSON, MAX_BYTES = 32 << 20, 128 << 20
HEAD = struct.Struct("!IQ")                     # bytes of JSON, bytes of data


class CannotCross(Exception):
    """A value that is not plain data, or too much of it."""


class Violation(BaseException):
    """The other side does not keep to the protocol. No Exception, so that no test takes it for an
    error that it expects."""


def weight(text: bytes) -> int:
    """Of a JSON text: its bytes, and more for its lists, objects and their items, of which three
    bytes may become a hundred."""
    return len(text) + 8 * sum(map(text.count, (b"[", b"{", b",")))


class Channel:
    """Frames over a pair of file descriptors. Reads and writes end at `deadline`, a
    time.monotonic(); None waits for ever. `room`: the bytes that are still taken, where a byte of
    JSON counts as eight."""

    def __init__(self, reader: int, writer: int):
        self.reader, self.writer, self.room, self.kept = reader, writer, math.inf, bytearray()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)

    def send(self, message: dict, data: Sequence[bytes] = (),
             deadline: float | None = None) -> None:
        """Errors: CannotCross, TimeoutError, EOFError."""
        text = json.dumps(message).encode()
        if weight(text) > MAX_JSON:
            raise CannotCross(f"{len(text):,} bytes of numbers and text are too many to cross")
        head = HEAD.pack(len(text), sum(map(len, data)))
        left = memoryview(b"".join((head, text, *data)))
        while left:
            try:
                left = left[os.write(self.writer, left[:1 << 20]):]
            except BlockingIOError:
                self._wait([], [self.writer], deadline)
            except OSError:
                raise EOFError from None

    def receive(self, deadline: float | None = None) -> tuple[dict, bytearray]:
        """Errors: Violation, TimeoutError, EOFError."""
        n_text, n_data = HEAD.unpack(self._read(HEAD.size, deadline))
        self.room -= 8 * n_text + n_data
        if n_text > MAX_JSON or n_data > MAX_BYTES or self.room < 0:
            raise Violation("too many bytes")
        try:
            text, data = self._read(n_text, deadline), self._read(n_data, deadline)
            if weight(text) > MAX_JSON:
                raise Violation("too many numbers, texts or lists")
            message = json.loads(text.decode())
        except (ValueError, RecursionError, MemoryError):
            raise Violation("a frame that is no JSON") from None
        if not isinstance(message, dict):
            raise Violation("a frame that is no message")
        return message, data

    def _read(self, n: int, deadline: float | None) -> bytearray:
        while len(self.kept) < n:
            self._wait([self.reader], [], deadline)
            try:
                part = os.read(self.reader, min(max(n - len(self.kept), 1 << 16), 1 << 20))
            except BlockingIOError:
                continue
            except OSError:
                raise EOFError from None
            if not part:
                raise EOFError
            self.kept += part
        read, self.kept = self.kept, self.kept[n:]
        del read[n:]
        return read

    @staticmethod
    def _wait(readers: list[int], writers: list[int], deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if (left is not None and left <= 0) or not any(select.select(readers, writers, [], left)):
            raise TimeoutError
