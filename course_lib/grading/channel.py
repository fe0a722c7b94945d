"""Frames over a pair of file descriptors: two lengths, a JSON text, and raw bytes.

Each has a limit, and whoever waits for it a deadline.
"""
import json
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


class Channel:
    """Frames over a pair of file descriptors. Reads and writes end at `deadline`, a
    time.monotonic(); None waits for ever."""

    def __init__(self, reader: int, writer: int):
        self.reader, self.writer = reader, writer
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)

    def send(self, message: dict, data: Sequence[bytes] = (),
             deadline: float | None = None) -> None:
        """Errors: CannotCross, TimeoutError, EOFError."""
        text = json.dumps(message).encode()
        if len(text) > MAX_JSON:
            raise CannotCross(f"{len(text):,} bytes of numbers and text are too many to cross")
        head = HEAD.pack(len(text), sum(map(len, data)))
        left = memoryview(b"".join((head, text, *data)))
        while left:
            self._wait([], [self.writer], deadline)
            try:
                left = left[os.write(self.writer, left[:1 << 20]):]
            except BlockingIOError:
                continue
            except OSError:
                raise EOFError from None

    def receive(self, deadline: float | None = None) -> tuple[dict, bytes]:
        """Errors: Violation, TimeoutError, EOFError."""
        n_text, n_data = HEAD.unpack(self._read(HEAD.size, deadline))
        if n_text > MAX_JSON or n_data > MAX_BYTES:
            raise Violation("a frame that is too large")
        text, data = self._read(n_text, deadline), self._read(n_data, deadline)
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Violation("a frame that is no JSON") from None
        if not isinstance(message, dict):
            raise Violation("a frame that is no message")
        return message, data

    def _read(self, n: int, deadline: float | None) -> bytes:
        parts = bytearray()
        while len(parts) < n:
            self._wait([self.reader], [], deadline)
            try:
                part = os.read(self.reader, min(n - len(parts), 1 << 20))
            except BlockingIOError:
                continue
            except OSError:
                raise EOFError from None
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    @staticmethod
    def _wait(readers: list[int], writers: list[int], deadline: float | None) -> None:
        left = None if deadline is None else deadline - time.monotonic()
        if (left is not None and left <= 0) or not any(select.select(readers, writers, [], left)):
            raise TimeoutError
