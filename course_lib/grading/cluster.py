"""The same over a cluster: notebooks go to the workers of a dask.distributed scheduler, each with an engine of its own.

Workers see the course's folder at the same path, and have the same course_lib. One that dies loses nothing: what it was
at is given to another.
"""
import threading
from functools import cache

from course_lib.grading.engine import Engine
from course_lib.grading.hooks import Course, Grading, jobs

_starting = threading.Lock()


_engine = cache(Engine)


def grade(cells: list[dict], settings: tuple) -> list[list[dict]]:
    """Runs on a worker."""
    with _starting:
        engine = _engine(*settings)
    return engine.grade(cells)


def spread(scheduler: str, grading: Grading, course: Course, work: dict):
    """Yields (student, notebook) and its future as they come in. Errors: OSError where there is no scheduler."""
    from dask.distributed import Client, as_completed
    release = course.root / course.dir.release_directory / course.assignment
    with Client(scheduler) as client:
        futures = {}
        for where, (_, _, notebook) in work.items():
            settings = grading.settings(course.root, release, notebook)
            futures[client.submit(grade, jobs(notebook), settings, pure=False, retries=2)] = where
        for future in as_completed(list(futures)):
            yield futures[future], future
