"""The same over a cluster: notebooks go to workers of a dask.distributed scheduler.

Each worker has an engine of its own. It sees the course's folder at the same path, and has the same
course_lib. One that dies loses nothing: what it was at is given to another.
"""
from collections.abc import Iterator
from concurrent.futures import Future

from course_lib.grading.cells import to_run
from course_lib.grading.course import Work
from course_lib.grading.engine import Settings, timed, warm_engine


def _on_worker(piece: Work, settings: Settings) -> dict:
    return timed(warm_engine(settings), to_run(piece.read()))


def on_cluster(scheduler: str, settings: Settings,
               work: list[Work]) -> Iterator[tuple[Work, Future]]:
    """Yields each piece of work, and the future of its outputs, as they come in.
    Errors: OSError where there is no scheduler."""
    from dask.distributed import Client, as_completed
    with Client(scheduler) as client:
        futures = {client.submit(_on_worker, piece, settings, pure=False, retries=2): piece
                   for piece in work}
        for future in as_completed(list(futures)):
            yield futures[future], future
