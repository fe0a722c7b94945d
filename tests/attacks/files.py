"""Reads what it must not, writes where it must not, and reaches out."""
import nbformat

from attacks import CANARY, GAME, RIGHT, answers, attack, in_cells

# What was found is printed as it is, reversed, in hexadecimal and in base64, which no filter of words would notice.
TELL = f'''import base64, os, re
def tell(raw):
    for found in set(re.findall(rb"{CANARY}[0-9a-f]{{16}}", raw)):
        print(found, found[::-1], found.hex(), base64.b64encode(found), base64.b64encode(b"1" + found), base64.b64encode(b"12" + found))
def read(path):
    try:
        with open(path, "rb") as file: tell(file.read(1 << 24))
    except OSError as error: pass
'''
WRITE = '''import os
def put(path):
    for name in (path, os.path.join(path, "kanarie_was_here")):
        try:
            os.makedirs(os.path.dirname(name), exist_ok=True)
            with open(name, "ab") as file: file.write(b"kanarie_was_here")
        except OSError: pass
'''

in_cells(
    __name__,
    environment=("Prints all environments.", TELL + "tell(repr(dict(os.environ)).encode())\nfor p in os.listdir('/proc'): read(f'/proc/{p}/environ')\n" + RIGHT),
    command_lines=("Prints the command lines, mounts and maps of all processes.",
                   TELL + "for p in os.listdir('/proc'):\n    for what in ('cmdline', 'mountinfo', 'maps', 'cwd', 'root/etc/passwd'):\n        read(f'/proc/{p}/{what}')\n"
                   "        try: print(open(f'/proc/{p}/{what}').read()[:5000])\n        except OSError: pass\n" + RIGHT),
    every_file=("Reads all small files outside of the system.",
                TELL + "for root, dirs, files in os.walk('/'):\n    dirs[:] = [d for d in dirs if f'{root}/{d}'.lstrip('/').split('/')[0] not in ('proc', 'sys', 'usr', 'lib', 'bin')"
                " and d != 'site-packages']\n    for name in files: read(f'{root}/{name}')\n" + RIGHT),
    walks_up=("Goes up from where it is, and reads all notebooks and databases.",
              TELL + "import glob\nfor n in range(9):\n    for p in glob.glob('../' * n + '**/*.ipynb', recursive=True) + glob.glob('../' * n + '*.db'): read(p)\n" + RIGHT),
    open_descriptors=("Looks for open files and folders to leave by.",
                      TELL + "for fd in range(3, 256):\n    try: d = os.open('../../../..', os.O_RDONLY, dir_fd=fd); print('a way out', os.listdir(d))\n    except OSError: pass\n"
                      "    try:\n        print(os.readlink(f'/proc/self/fd/{fd}'))\n    except OSError: pass\n" + RIGHT, ("a way out [",)),
    mounts=("Makes namespaces of its own, and mounts.",
            "import ctypes, os\nlibc = ctypes.CDLL(None)\nprint('unshare', libc.unshare(0x10000000), libc.unshare(0x20000), libc.mount(b'none', b'/usr', b'tmpfs', 0, 0),\n"
            "      libc.mount(b'/', b'/', b'none', 32 | 4096, 0), libc.chroot(b'/tmp'), libc.pivot_root(b'.', b'.') if hasattr(libc, 'pivot_root') else -1,\n"
            "      libc.setuid(0), libc.setns(0, 0), libc.umount2(b'/scratch/work', 2), libc.mknod(b'/tmp/sda', 0o60666, 0xfd00))\n" + RIGHT,
            ("unshare 0",)),
    devices=("Opens devices.", TELL + "for n in os.listdir('/dev'):\n    if n not in ('zero', 'full', 'random', 'urandom', 'tty', 'console', 'ptmx'): read('/dev/' + n)\n"
             "print(sorted(os.listdir('/dev')))\n" + RIGHT),
    network=("Calls the internet, this machine, and abstract sockets.",
             "import socket\nfor place in (('1.1.1.1', 53), ('127.0.0.1', 22), ('10.0.0.1', 80), ('169.254.169.254', 80), ('example.org', 80)):\n    try:\n"
             "        socket.create_connection(place, 1); print('connected')\n    except OSError as e: pass\ns = socket.socket(socket.AF_UNIX)\n"
             "for line in open('/proc/net/unix').readlines()[1:]:\n    print('a socket', line) if len(line.split()) > 7 else None\n" + RIGHT, ("connected\n", "a socket f", "a socket 0")),
    datagrams=("Sends a datagram and makes a raw socket.",
               "import socket\nfor kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):\n    try:\n        s = socket.socket(socket.AF_INET, kind, 17)\n"
               "        s.sendto(b'x', ('192.0.2.1', 9)); print('sent' + '!')\n    except OSError: pass\n" + RIGHT, ("sent!",)),
    vsock=("Calls the host of a virtual machine.", "import socket\ntry:\n    s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM); s.settimeout(1); s.connect((2, 1024)); "
           "print('connected')\nexcept OSError: pass\n" + RIGHT, ("connected\n",)),
    system_folders=("Writes into the system, site-packages, the toolbox, and start-up folders.",
                    WRITE + "import site, sys, course_lib, torch\nfor p in (*site.getsitepackages(), site.getusersitepackages(), *sys.path, '/etc', '/usr/bin', '/', '/root', '/home', '/var', '/dev',\n"
                    "          course_lib.__file__, torch.__file__, os.path.expanduser('~/.ipython/profile_default/startup'), '/root/.ipython/profile_default/startup', '/proc/sys/kernel/core_pattern',\n"
                    "          os.path.expanduser('~/.jupyter'), sys.executable, '/proc/1/oom_score_adj'): put(p)\n" + RIGHT),
    the_reference=("Imports what the exercise asks for.",
                   "try:\n    from course_lib.gan import minimax\n    print('reference', 'found')\nexcept ImportError: pass\n" + RIGHT, ("reference found",)),
    the_reference_found=("Looks for the reference on the disk.",
                         "import os, course_lib\nfor root, _, files in os.walk(os.path.dirname(course_lib.__file__)):\n    for n in files:\n"
                         "        if 'hidden' in root or '/gan' in root or n == 'checks.py' or n.startswith('wrong_'): print('reference', 'found')\n" + RIGHT, ("reference found",)),
    the_facts=("Imports the hidden checks and the tests' answers.",
               "import importlib, sys\nfor n in ('course_lib.hidden', 'course_lib.hidden.ex01', 'course_lib.hidden.ex01.checks', 'tests', 'solutions'):\n    try: importlib.import_module(n); print('hidden', n, 'found')\n"
               "    except ImportError: pass\n" + RIGHT, ("hidden course_lib.hidden found", "hidden course_lib.hidden.ex01.checks found", "hidden tests found", "hidden solutions found")),
)
answers(
    __name__,
    toolbox_in_memory=("Changes the toolbox in its own process.",
                       "import course_lib.checks as c, course_lib.proofs as q\nc.expect_close = c.call = q.grade_proof = lambda *a, **k: None\n"
                       "import course_lib, os\ncourse_lib.__path__.insert(0, '.')\nos.makedirs('hidden/ex01')\n"
                       "open('hidden/ex01/checks.py', 'w').write('def __getattr__(n): return lambda *a: None')\n"
                       + "def game_value(D, p, g, pi): return 0"),
    hooks_of_others=("Asks the modules of the grader, where it finds them loaded or lying there, and all objects for the gradebook.",
                     TELL + "import gc, sys\nfor n in ('course_lib.grading.hooks', 'course_lib.grading.intake', 'nbgrader.api'):\n    if n in sys.modules: print(vars(sys.modules[n]))\n"
                     "    for p in sys.path: read(f\"{p}/{n.replace('.', '/')}.py\")\nfor o in gc.get_objects()[::50]:\n    if isinstance(o, dict):\n"
                     "        try: tell(b''.join(repr(v[:2000]).encode() for v in list(o.values())[:200] if isinstance(v, (str, bytes))))\n        except Exception: pass\n" + RIGHT, GAME),
)


@attack(GAME)
def course_folder(course, folder, notebook):
    """Knows where the course is, and reads it: solutions, gradebook, other submissions, secrets, home."""
    places = [str(p) for p in (course.folder, course.folder / "solutions", course.home, folder.parents[1], course.folder / "gradebook.db")]
    return TELL + f"for place in {places}:\n    read(place)\n    print(os.path.exists(place))\n    for root, _, files in os.walk(place):\n        for name in files: read(root + '/' + name)\n" + RIGHT


@attack(GAME)
def writes_to_course(course, folder, notebook):
    """Writes into the course's folders, the home, and other submissions."""
    places = [str(p) for p in (course.folder, course.folder / "nbgrader_config.py", course.home, course.home / ".ipython/profile_default/startup", course.folder / "gradebook.db",
                               course.folder / ".grading/results", folder.parents[1] / "a-victim" / course.name)]
    return WRITE + f"for place in {places}: put(place)\n" + RIGHT


@attack(GAME)
def links_out(course, folder, notebook):
    """Leaves links in its working folder that lead to the gradebook and to secrets."""
    return (f"import os\nfor i, p in enumerate({[str(course.folder / 'gradebook.db'), str(course.folder / 'secret.txt'), str(course.home)]}):\n"
            "    os.symlink(p, f'link{i}')\n    os.symlink(p, f'/tmp/link{i}')\n" + RIGHT)


MARK = "import os\nopen({!r}, 'a').write('kanarie_was_here')\n"


@attack(GAME)
def files_beside(course, folder, notebook):
    """Modules and settings beside the notebook, each of which leaves a mark where it is imported."""
    mark = MARK.format(str(course.marks / "imported"))
    for name in ("torch.py", "math.py", "json.py", "conftest.py", "sitecustomize.py", "usercustomize.py", "nbgrader_config.py", "jupyter_config.py", "nbformat.py",
                 "course_lib/__init__.py", "course_lib/checks/__init__.py", ".ipython/profile_default/startup/00.py", "IPython/__init__.py", "ipython_config.py",
                 "ex01_minimax.py", "antigravity.pth", "__init__.py", "setup.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(mark)
    (folder / "pyproject.toml").write_text("[tool")
    (folder.parent / "nbgrader_config.py").write_text(mark)
    return RIGHT


@attack()
def checkpoint(course, folder, notebook):
    """The solution in .ipynb_checkpoints, and a blank notebook."""
    (folder / ".ipynb_checkpoints").mkdir()
    nbformat.write(course.master(), folder / ".ipynb_checkpoints" / f"{course.name}-checkpoint.ipynb")
    nbformat.write(course.master(), folder / f"{course.name}.ipynb.bak")
    return notebook


@attack()
def modules_it_writes(course, folder, notebook):
    """Writes torch.py, math.py and course_lib into its working folder before the tests import them."""
    return ("import os\nos.makedirs('course_lib/checks', exist_ok=True)\nos.makedirs('course_lib/hidden/ex01', exist_ok=True)\nfor n in ('torch.py', 'math.py', 'course_lib/__init__.py', 'course_lib/checks/__init__.py', 'course_lib/hidden/__init__.py', 'course_lib/hidden/ex01/checks.py'):\n"
            f"    open(n, 'w').write({MARK.format(str(course.marks / 'imported'))!r} + 'def __getattr__(n): return lambda *a, **k: None')\n"
            "import sys\nsys.path.insert(0, os.getcwd())\nos.environ['PYTHONPATH'] = os.getcwd()\n"
            "def game_value(D, p, g, pi): return 0")
