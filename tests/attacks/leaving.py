"""Ends in every way, in the cell and in the function; and processes that want to stay."""
from attacks import GAME, OUTLIVED, RIGHT, WRONG, answers, in_functions, waits

ENDS = {
    "sys_exit": "import sys\nsys.exit(0)", "quit": "quit()", "system_exit": "raise SystemExit('100')", "interrupt": "raise KeyboardInterrupt",
    "generator_exit": "raise GeneratorExit", "base": "raise BaseException('x')", "stop_iteration": "raise StopIteration(2)",
    "group": "raise BaseExceptionGroup('x', [KeyboardInterrupt()])", "os_exit": "import os\nos._exit(0)", "abort": "import os\nos.abort()",
    "kill_self": "import os\nos.kill(os.getpid(), 9)", "stop_self": "import os\nos.kill(os.getpid(), 19)",
    "kill_parent": "import os\nos.kill(os.getppid(), 9)", "kill_first": "import os\nos.kill(1, 9)", "kill_all": "import os\nos.kill(-1, 9)",
    "kill_group": "import os\nos.killpg(0, 9)", "segfault": "import ctypes\nctypes.string_at(0)",
    "named": "class MemoryError2(Exception): pass\nMemoryError2.__name__ = 'KernelDied'\nraise MemoryError2('x')",
}
in_functions(__name__, **{f"cell_{name}": (f"In the cell: {source!r}", f"{WRONG}\n{source}") for name, source in ENDS.items() if name != "stop_self"})
CALLED = {name: (f"In the function: {source!r}", "def game_value(D, p, g, pi):\n    " + source.replace("\n", "\n    "))
          for name, source in ENDS.items()}
in_functions(__name__, **{f"call_{name}": waits(*entry) if name == "stop_self" else entry for name, entry in CALLED.items()})

STAY = f"['sh', '-c', 'sleep 600; : {OUTLIVED}']"
answers(
    __name__,
    child=("Starts a child in a session of its own.", f"import subprocess\nsubprocess.Popen({STAY}, start_new_session=True)\n" + RIGHT, GAME),
    daemon=("Forks twice, and leaves a process that ignores signals.",
            "import os, signal\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        for s in range(1, 32):\n            try: signal.signal(s, signal.SIG_IGN)\n"
            f"            except OSError: pass\n        os.execvp('sh', {STAY})\n    os._exit(0)\n" + RIGHT, GAME),
    holds_the_line=waits("Leaves a child that holds the line to the checker, and ends.",
                    "import os, time\nif os.fork() == 0:\n    time.sleep(600)\nos._exit(0)"),
    exits_at_exit=("Registers what hangs at the end.", "import atexit, time\natexit.register(time.sleep, 600)\n" + RIGHT, GAME),
    child_answers=("Forks, and lets the child answer as well.", "import os\nos.fork()\n" + RIGHT),
    ends_the_server=("Asks every process it can see to stop.",
                     "import os\nfor p in os.listdir('/proc'):\n    if p.isdigit() and int(p) != os.getpid():\n        try: os.kill(int(p), 19)\n"
                     "        except OSError: pass\n" + RIGHT, GAME),
)
