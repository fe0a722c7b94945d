"""A gradebook that somebody locks is waited for: formgrader while it writes, a browser of databases
with an open transaction.

SQLite waits by itself, but says nothing, and not for long. Only commands wait so: what serves
pages must not stand still.
"""
import sqlite3
import sys
import time

from nbgrader.apps.baseapp import NbGrader
from sqlalchemy import event
from sqlalchemy.engine import Engine
from traitlets.config import Application

PATIENCE = 600                                  # seconds
QUIET = 3                                       # of them, before anything is said
WAITING = ("The gradebook is locked by another program (formgrader, a database browser?): waiting "
           "for it.")
GAVE_UP = ("The gradebook is still locked by another program. Close what has it open, and run the "
           "same command again: nothing is lost, and what is graded is not graded again.")
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_said: set[str] = set()


class _Locked(SystemExit):
    """Ends the command, and is no Exception: nbgrader would go on to the next submission."""


def _patiently(do, *args):
    end = time.monotonic() + (0 if GAVE_UP in _said else PATIENCE)
    while True:
        try:
            return do(*args)
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xff not in LOCKED:
                raise
        if time.monotonic() > end:
            _said.add(GAVE_UP)
            raise _Locked(GAVE_UP)
        if WAITING not in _said:
            _said.add(WAITING)
            print(WAITING, file=sys.stderr, flush=True)
        time.sleep(0.05)


class _Cursor(sqlite3.Cursor):
    def execute(self, *args):
        return _patiently(super().execute, *args)

    def executemany(self, *args):
        return _patiently(super().executemany, *args)


class _Connection(sqlite3.Connection):
    def cursor(self, factory=_Cursor):
        return super().cursor(factory)

    def commit(self):
        return _patiently(super().commit)


def in_commands() -> None:
    """For nbgrader_config.py, which JupyterLab reads too: nbgrader's commands wait, and no terminal
    stops them."""
    if Application.initialized() and isinstance(Application.instance(), NbGrader):
        wait_for_gradebook()
        sys.stdout.reconfigure(errors="backslashreplace")


def wait_for_gradebook() -> None:
    """From now on, in this process. Errors: SystemExit, after PATIENCE seconds."""
    if not event.contains(Engine, "do_connect", _connect):
        event.listen(Engine, "do_connect", _connect)


def _connect(dialect, record, args, parameters) -> None:
    if dialect.name == "sqlite":
        parameters.update(factory=_Connection, timeout=min(QUIET, PATIENCE))
