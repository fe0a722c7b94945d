"""Commands without the seconds that each `python -m` takes to import what it needs: a process that
has imported it forks itself for each command."""
import atexit
import gc
import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile


class Warm:
    """A process that has imported the `modules`, until this one ends."""

    def __init__(self, *modules: str):
        self.server = subprocess.Popen([sys.executable, __file__, *modules], text=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(self.server.communicate)

    def run(self, *command: str, cwd, env: dict, uid: int | None = None) -> tuple[int, str]:
        """What `python -m command` would come to there, or `python command` where it is a path: its
        exit code, and all that it said. `uid`: in whose account, where root asks."""
        with tempfile.NamedTemporaryFile() as said:
            order = [command, str(cwd), env, said.name, uid]
            print(json.dumps(order), file=self.server.stdin, flush=True)
            code = int(self.server.stdout.readline())
            return code, said.read().decode("utf-8", "replace")


def become(command: list[str], cwd: str, env: dict, said: str, uid: int | None) -> None:
    """Runs the command in this process."""
    os.environ.clear()
    os.environ.update(env)
    for fd, path in enumerate((os.devnull, said, said)):
        os.dup2(os.open(path, os.O_RDWR | os.O_APPEND), fd)
    if encoding := env.get("PYTHONIOENCODING"):         # as an interpreter that starts
        sys.stdout.reconfigure(encoding=encoding, errors="strict")
        sys.stderr.reconfigure(encoding=encoding, errors="backslashreplace")
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    os.chdir(cwd)
    sys.argv[:], sys.path[0] = command, cwd
    if command[0].endswith(".py"):
        runpy.run_path(command[0], run_name="__main__")
    else:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)


def serve(*modules: str) -> None:
    for module in modules:
        importlib.import_module(module)
    assert len(os.listdir("/proc/self/task")) == 1, "what has threads must not fork"
    gc.freeze()                                        # what is never looked at is never copied
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            return become(*json.loads(line))           # and ends as a program of its own
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
