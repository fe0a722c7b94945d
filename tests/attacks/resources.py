"""Time, memory, disk, processes and output without end."""
import nbformat
from course import cell

from attacks import CANARY, GAME, RIGHT, WRONG, answers, attack, in_functions, waits

LOOK = 'def game_value(D, p, g, pi):\n    return '       # what follows is the result

in_functions(
    __name__,
    huge_tensor=("Returns a tensor of 2 GB.", LOOK + "torch.zeros(2 ** 28, dtype=torch.float64)"),
    expanded_tensor=("Returns a tensor of 2^60 elements, all one byte.", LOOK + "torch.zeros(1).expand(2 ** 60)"),
    expanded_array=("Returns an array with strides of 0.", "import numpy as np\n" + LOOK + "np.broadcast_to(np.zeros(1), (2 ** 40,))"),
    sparse_tensor=("Returns a sparse tensor of 2^60 elements.", LOOK + "torch.sparse_coo_tensor([[0]], [1.0], (2 ** 60,))"),
    meta_tensor=("Returns a tensor without data.", LOOK + "torch.empty(2 ** 50, device='meta')"),
    deep_list=("Returns a list nested 10^5 deep.", "x = []\nfor _ in range(10 ** 5): x = [x]\n" + LOOK + "x"),
    circular_list=("Returns a list that holds itself.", "x = []\nx.append(x)\n" + LOOK + "x"),
    wide_list=waits("Returns 2^39 numbers in a list of lists that are all the same.", "x = [1.0]\nfor _ in range(38): x = [x, x]\n" + LOOK + "x"),
    endless_generator=("Returns a generator without end.", "import itertools\n" + LOOK + "itertools.count()"),
    endless_list=waits("Returns a list subclass that iterates without end.",
                  "import itertools\nclass L(list):\n    def __iter__(self): return itertools.repeat(0)\n" + LOOK + "L([0])"),
    huge_integer=("Returns a whole number of ten million bits.", LOOK + "1 << 10 ** 7"),
    long_message=("Raises an error with a text of 100 MB.", "def game_value(D, p, g, pi):\n    raise ValueError('x' * 10 ** 8)"),
    deep_recursion=("Recurses without end.", "import sys\nsys.setrecursionlimit(10 ** 9)\nf = lambda: f()\n"
                                             "def game_value(D, p, g, pi):\n    return f()"),
)
answers(
    __name__,
    sleep=waits("Sleeps in the cell.", "import time\ntime.sleep(10 ** 6)\n" + RIGHT),
    swallows_interrupts=waits("Loops, and swallows every interrupt.", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
    hangs_in_c=waits("Stays in one call of C, which no signal ends.", "import hashlib\nhashlib.pbkdf2_hmac('sha512', b'x', b'y', 2 ** 31 - 1)"),
    hangs_when_called=waits("Hangs in the function.", "def game_value(D, p, g, pi):\n    while True: pass"),
    slow_calls=waits("Each call takes less than a cell may, all of them more.", RIGHT.replace("    return", "    __import__('time').sleep(2)\n    return")),
    long_list=("Makes a list that is too long.", "x = [0] * 10 ** 10\n" + RIGHT),
    long_text=waits("Doubles a text until memory ends.", "x = 'x'\nwhile True: x += x"),
    expanded_variable=("The same, under a name that a test reads.", "w = b = k = name = torch.zeros(1).expand(2 ** 60)\n" + RIGHT, GAME),
    prints_for_ever=waits("Prints without end.", "while True: print('x' * 10 ** 5)"),
    prints_when_called=("Prints a megabyte in each call.", RIGHT.replace("    return", "    print('x' * 10 ** 6)\n    return"), GAME),
    writes_to_descriptors=("Writes without end to descriptors 0 to 2.",
                           "import os\nfor fd in (0, 1, 2):\n    for _ in range(50):\n        try: os.write(fd, b'x' * 10 ** 6)\n"
                           "        except OSError: pass\n" + RIGHT, GAME),
    shows_for_ever=waits("Displays a million small things.", "for i in range(10 ** 6): display(i)"),
    huge_repr=("Shows an object whose text is 100 MB.", RIGHT + "class X:\n    def __repr__(self): return 'x' * 10 ** 8\nX()", GAME),
    fork_bomb=waits("Forks without end.", "import os\nwhile True: os.fork()"),
    fork_bomb_that_waits=waits("Forks in the function, and swallows errors.", "import os\ndef game_value(D, p, g, pi):\n    while True:\n"
                                                                          "        try: os.fork()\n        except OSError: pass"),
    thread_bomb=("Starts threads without end.", "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()"),
    full_disk=("Fills the scratch folder, /tmp and /dev/shm.",
               "import os\nfor place in ('.', '/tmp', '/dev/shm', '/var/tmp', '/scratch'):\n    for i in range(40):\n        try:\n"
               "            with open(f'{place}/full{i}', 'wb') as f: f.write(bytes(64 << 20))\n        except OSError: pass\n"
               "print(sum(os.path.getsize(f'{r}/{n}') for p in ('.', '/tmp', '/dev/shm') for r, _, ns in os.walk(p) for n in ns) >> 30, 'GiB on disk')\n"
               + RIGHT, GAME, ("3 GiB on disk", "4 GiB on disk")),
    many_files=("Makes empty files without end.", "i = 0\nwhile True: open(f'{i}', 'w').close(); i += 1\n" + RIGHT),
    hidden_memory=("Holds 1.5 GB in files of memory that no process maps.",
                   "import os\nfds = []\nfor i in range(24):\n    fds.append(os.memfd_create(str(i)))\n    for _ in range(64): os.write(fds[-1], bytes(1 << 20))\n"
                   "import time\ntime.sleep(1)\nprint('held', 1500 + 36, 'MB')", {}, ("held 1536 MB",)),
    memory_on_nobodys_account=("Asks for shared memory that can be held without being mapped.",
                               "import ctypes, mmap, os\nlibc = ctypes.CDLL(None)\nif libc.shmget(0, 1 << 20, 0o1600) >= 0: print('held' + '!')\n"
                               "for make in (lambda: mmap.mmap(-1, 1 << 20), lambda: mmap.mmap(os.open('/dev/zero', 2), 1 << 20), lambda: os.memfd_create('x')):\n"
                               "    try: make(); print('held' + '!')\n    except (OSError, ValueError): pass\n" + RIGHT, GAME, ("held!",)),
    swarm_of_sessions=waits("60 processes that are busy, each a session of its own, which schedulers treat as equals of the other students'.",
                       "import os, time\nfor i in range(55):\n    if os.fork() == 0:\n        os.setsid()\n        while True: pass\ntime.sleep(50)\n" + WRONG),
    free_cores=("Undoes what keeps a swarm on one core.",
                "import os\ntry: os.sched_setaffinity(0, range(os.cpu_count())); print('moved' + '!')\nexcept OSError: pass\n" + RIGHT, GAME, ("moved!",)),
    keyring=("Leaves a message in the keyring of the instructor's session.",
             "import ctypes, platform\nadd, ask = (248, 250) if platform.machine() == 'x86_64' else (217, 219)\nlibc = ctypes.CDLL(None)\n"
             "if max(libc.syscall(add, b'user', b'message', b'the answer', 10, -3), libc.syscall(ask, 0, -3, 1)) > 0: print('a keyring' + '!')\n" + RIGHT,
             GAME, ("a keyring!",)),
    shared_memory=("Holds 1.5 GB that always two processes share.",
                   "import os, time\nfilled, done = os.pipe()\nfor i in range(3):\n    if os.fork() == 0:\n        x = b'x' * (512 << 20)\n        os.fork()\n"
                   "        os.write(done, b'.')\n        time.sleep(99)\n    os.read(filled, 1)\ntime.sleep(20)\nprint('held', 1500 + 36, 'MB')", {}, ("held 1536 MB",)),
    busy_processes=waits("Leaves fifty processes that compute for ever.",
                    "import os\nfor i in range(50):\n    if os.fork() == 0:\n        while True: pass\n" + WRONG),
    blank_lines=("A syntax error before many blank lines.", "(" + "\n" * 49_000),
    long_chain=("An expression of 16 000 terms.", "x = 1" + " +1" * 16_000),
    deep_brackets=("Brackets nested 49 000 deep.", "(" * 49_000),
    many_assignments=("One statement with 24 000 targets.", "x=" * 24_000 + "1"),
)


@attack()
def many_large_displays(course, folder, notebook):
    """Shows 20 MB of text in each of four cells: more than a frame holds."""
    for i in range(4):
        notebook.cells.append(nbformat.v4.new_code_cell(f"{i}\nfrom IPython.display import HTML\nHTML('x' * 20_000_000)"))
    return notebook


@attack()
def many_large_images(course, folder, notebook):
    """The same with images, a hundred in a cell."""
    for i in range(3):
        notebook.cells.append(nbformat.v4.new_code_cell(
            f"{i}\nfrom IPython.display import display\nfor _ in range(100): display({{'image/png': 'A' * 150_000}}, raw=True)"))
    return notebook


@attack()
def nested_markup(course, folder, notebook):
    """HTML that takes a parser quadratic time, in the written answer."""
    cell(notebook, "written").source = "<b><p>" * 8_000
    return notebook


@attack()
def nested_markup_shown(course, folder, notebook):
    """The same in three outputs."""
    return "from IPython.display import HTML, display\nfor i in range(3): display(HTML('<b><p>' * 8_000))"


@attack(GAME)
def nested_emphasis(course, folder, notebook):
    """HTML whose every paragraph has to carry on all that was opened before."""
    return ("from IPython.display import HTML, display\nx = ''.join(f'<b title={i}><p>' for i in range(990))\n"
            "for i in range(20): display(HTML(x))\n" + RIGHT)


@attack(GAME)
def nothing_at_length(course, folder, notebook):
    """An answer with a gap of 40,000 empty lines, over which a highlighter ponders."""
    return RIGHT + "x = 1" + "\n" * 40_000 + "y = 1"


@attack()
def one_picture_often(course, folder, notebook):
    """A picture of 1 MB, shown three thousand times."""
    written = cell(notebook, "written")
    written.source, written.attachments = "![x](attachment:a) " * 2_500, {"a": {"image/png": "QUJD" * 250_000}}
    return notebook


@attack()
def nested_markdown(course, folder, notebook):
    """Markdown that takes a parser quadratic time."""
    cell(notebook, "written").source = "[" * 8_000 + "\n\n" + "`a" * 5_000 + "\n\n" + "*a_ " * 5_000 + "\n\n" + "> " * 2_000 + "x"
    return notebook


@attack()
def proof_bombs(course, folder, notebook):
    """Lines of a proof that are long, deep, or large numbers."""
    cell(notebook, "proof").source = ("proof = ['(' * 10 ** 5, '9**9**9**9**9', '2**(10**9)', 'p' + '*p' * 10 ** 5, '-' * 10 ** 5 + 'p', 'exp(' * 5000 + 'p' "
                                      "+ ')' * 5000, 'sum(' * 90 + 'p' + ')' * 90, '1e999999999', '9' * 10 ** 6, 'p\\0q', 'p**p**p**p**p']")
    return notebook


@attack()
def proof_of_many_lines(course, folder, notebook):
    """A proof of 10^5 lines."""
    cell(notebook, "proof").source = "proof = [f'sum(p*log(D)) + {i}' for i in range(10 ** 5)]"
    return notebook


@attack()
def many_cells(course, folder, notebook):
    """500 cells of their own, each with an output."""
    notebook.cells += [nbformat.v4.new_code_cell(f"print('{CANARY}'.upper() * {i})") for i in range(500)]
    return notebook
