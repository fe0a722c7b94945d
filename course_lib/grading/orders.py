"""What a submission may use, and what the servers of warm processes are told."""
from typing import NamedTuple


class Limits(NamedTuple):
    """What one submission may use."""

    memory: int = 2 << 30       # bytes of one process beyond the warm kernel, and of all together
    scratch: int = 256 << 20    # bytes of files
    processes: int = 64
    cpu: int = 900              # seconds of CPU time of one process
    cell: float = 60            # seconds of a cell, or of all calls from one test cell
    total: float = 900          # seconds of a submission


class Orders(NamedTuple):
    """What a server of kernels or checkers is told at its start, as JSON."""

    asks_for: tuple[str, ...]       # modules that are not there while answers run
    limits: Limits
    command: list[str]              # what starts a sandbox, or a kernel in a container
    checks: tuple[str, ...]         # modules that checkers have at hand
    group: str = ""                 # where sandboxes get control groups


class NoSandbox(RuntimeError):
    """Bubblewrap is not there or does not run; the message says what the instructor can do."""
