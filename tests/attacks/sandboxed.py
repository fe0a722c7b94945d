"""What cells print in the sandbox: those that ask for what is not theirs, and honest ones."""
import os
import platform

from course_lib.grading import linux

SETUP = """
import ctypes, errno, fcntl, mmap, os, resource, socket, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    ctypes.set_errno(0)
    result = libc[name](*arguments) if isinstance(name, str) else libc.syscall(name, *arguments)
    print(result if result >= 0 else errno.errorcode[ctypes.get_errno()])
def tries(do, *arguments):
    try: print(do(*arguments))
    except (OSError, ValueError) as error: print(type(error).__name__, error.errno if hasattr(error, 'errno') else '')
"""
HERE = linux.MACHINES.index(platform.machine()) if platform.machine() in linux.MACHINES else 0
NUMBERS = {name: numbers[HERE] for name, numbers in (linux.FORBIDDEN | linux.CALLS).items()}
FORBIDDEN = f"for number in {[NUMBERS[name] for name in linux.FORBIDDEN]}: call(number, 0, 0, 0, 0, 0)"
IN_SYS = """
for root, folders, files in os.walk('/proc/sys'):
    for name in files:
        path = os.path.join(root, name)
        for change in (lambda: os.close(os.open(path, os.O_WRONLY)), lambda: os.chmod(path, 0o666)):
            try: change(); print(path)
            except OSError: pass
"""
SOCKETS = """
listener = socket.socket(socket.AF_UNIX); listener.bind('s'); listener.listen(4096)
while True:
    with socket.socket(socket.AF_UNIX) as s:
        s.connect('s'); s.setblocking(False)
        try:
            while True: s.send(bytes(4096))
        except BlockingIOError: pass
"""
LOCKS = """
held = [open(str(i), 'w') for i in range(200)]
for i in range(10 ** 6): fcntl.lockf(held[i % 200], fcntl.LOCK_EX, 1, 2 * i)
"""
MEMORY = """
for i in range(4):
    if os.fork() == 0:
        held = []
        for j in range(4): held.append(b'x' * (80 << 20)); time.sleep(0.2)
        time.sleep(100)
while True: pass
"""
HEADLESS = """
import threading
def fill():
    time.sleep(0.2)
    for _ in range(30): held.append(b'x' * (10 << 20))
    time.sleep(100)
held = []
if os.fork() == 0 or os.fork() == 0:        # each alone stays below its own limit
    threading.Thread(target=fill).start()
    libc.syscall(60 if os.uname().machine == "x86_64" else 93, 0)      # exit, of this thread alone
time.sleep(100)
"""
HIDES = "libc.prctl(4, 0)\n" + MEMORY
SHARES = """
held = [b'x' * (200 << 20)]
if os.fork() == 0: held.append(b'x' * (200 << 20)); os.fork(); time.sleep(100)
held.append(b'x' * (250 << 20)); os.fork(); time.sleep(100)
"""
NEW = ("0x10000000", "0x20000", "0x40000000", "0x20000000", "0x4000000", "0x8000000", "0x2000000")

# name: what a cell runs, and what it prints
REFUSED = {
    "an id that nobody has": ("print(os.getuid() in (0, 65534), os.getgroups() == [] or os.getgid() != 0)", "False True"),
    "capabilities": ("print([line.split()[1] for line in open('/proc/self/status') if line[:3] == 'Cap' and line[3:6] != 'Bnd'] == 4 * ['0' * 16])", "True"),
    "/proc/sys": (IN_SYS, ""),
    "files of others": ("for path in ('/proc/1/environ', '/proc/1/mem', '/proc/1/root', '/proc/sysrq-trigger', '/proc/kcore', '/proc/kmsg', '/dev/kmsg', '/dev/mem'):\n"
                        "    try: open(path, 'rb').read(1); print(path)\n    except OSError: pass" if os.geteuid() == 0 else "", ""),
    "forbidden calls": (FORBIDDEN, "EPERM " * len(linux.FORBIDDEN)),
    "younger calls": ("for n in (451, 463, 470, 1000): call(n, 0, 0, 0, 0)\ncall(435, 0, 0)", "ENOSYS " * 5),
    "namespaces": (f"for flag in ({', '.join(NEW)}): call({NUMBERS['clone']}, flag | 17, 0, 0, 0, 0)", "EPERM " * 7),
    "tables of files that processes share, whose locks stay when one ends":
        (f"for flag in (0x400, 0x500, 0x4400, 0x600, 0x80000400): call({NUMBERS['clone']}, flag | 17, 0, 0, 0, 0)", "EPERM " * 5),
    "networks": ("for family in range(46):\n    if family != socket.AF_UNIX:\n        for kind in (1, 2, 3, 5):\n            try: socket.socket(family, kind); print(family, kind)\n"
                 "            except OSError: pass", ""),
    "sockets that keep ten messages": ("for kind in (2, 3, 2 | 0o2000000):\n    tries(socket.socket, socket.AF_UNIX, kind)\n    tries(socket.socketpair, socket.AF_UNIX, kind)",
                                       "PermissionError 1 " * 6),
    "buffers of sockets": ("s, t = socket.socketpair()\nfor option in (7, 8, 32, 33, 26, 50): tries(s.setsockopt, 1, option, 1 << 20)", "PermissionError 1 " * 6),
    "filters": ("call('prctl', 22, 2, 0, 0, 0)", "EPERM"),
    "memory that is shared": ("for flags in (0x21, 0x23, 0x40022): tries(lambda: mmap.mmap(-1, 1 << 21, flags=flags))\ntries(lambda: os.memfd_create('x'))", "PermissionError 1 " * 4),
    "limits": ("for name in ('MSGQUEUE', 'MEMLOCK', 'RTPRIO', 'NICE', 'CORE'): print(resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))", "(0, 0) " * 5),
    "larger limits": ("for name in ('NPROC', 'NOFILE', 'AS', 'SIGPENDING', 'FSIZE'):\n    kind = getattr(resource, 'RLIMIT_' + name)\n"
                      "    tries(resource.setrlimit, kind, (resource.getrlimit(kind)[1] + 1,) * 2)", "ValueError " * 5),
    "threads": ("def wait():\n    stop.wait()\nstop, threads = threading.Event(), []\ntry:\n    while True:\n        threads.append(threading.Thread(target=wait)); threads[-1].start()\n"
                "except RuntimeError: pass\nprint(len(threads) <= 64)\nstop.set(); [t.join() for t in threads[:-1]]", "True"),
    "forks": ("pids = []\ntry:\n    while True:\n        if (pid := os.fork()) == 0:\n            time.sleep(50); os._exit(0)\n        pids.append(pid)\nexcept OSError: pass\nprint(len(pids) <= 64)\n"
              "[(os.kill(pid, 9), os.waitpid(pid, 0)) for pid in pids]", "True"),
    "timers": ("event = (ctypes.c_int * 16)(0, 0, 0, 1)\nmade = 0\nwhile libc.timer_create(1, 0, ctypes.byref(ctypes.c_void_p())) == 0: made += 1\nprint(made <= 256)", "True"),
    "terminals": ("held = []\ntry:\n    while True: held += os.openpty()\nexcept OSError: pass\nprint(0 < len(held) <= 16)\nfor fd in held: os.close(fd)", "True"),
    "files": ("made = 0\nfor place in ('/scratch/work', '/tmp', '/dev/shm'):\n    os.mkdir(place + '/many')\n    try:\n        while True: open(f'{place}/many/{made}', 'x').close(); made += 1\n"
              "    except OSError as error: print(error.errno == errno.ENOSPC)\nprint(made < 41_000)\nimport shutil\nfor place in ('/scratch/work', '/tmp', '/dev/shm'): shutil.rmtree(place + '/many')",
              "True " * 4),
    "places to write": ("for folder in ('/', '/usr', '/etc', '/proc', '/dev', '/work', '/root', '/home', sys.prefix, os.__file__[:-5], '/var', '/sys', '/run'):\n"
                        "    try: open(folder + '/x', 'w'); print(folder)\n    except OSError: pass", ""),
    "the out-of-memory killer": ("print(open('/proc/self/oom_score_adj').read())\ntries(open, '/proc/self/oom_score_adj', 'w')", "1000 OSError 30"),
    "memory by name": ("for pid in (1, 2, 'self'):\n    for file in ('mem', 'clear_refs', 'comm'):\n        try: open(f'/proc/{pid}/{file}', 'r+b', buffering=0); print(pid, file)\n"
                       "        except OSError: pass", ""),
}
HONEST = {
    "shell": ("!echo a shell", "a shell"),
    "bash": ("%%bash\necho bash | cat", "bash"),
    "subprocess": ("import subprocess\nprint(subprocess.run(['cat'], input='piped', capture_output=True, text=True).stdout)", "piped"),
    "pool": ("import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))", "[1, 2]"),
    "spawn": ("q = mp.get_context('spawn').SimpleQueue()\np = mp.get_context('spawn').Process(target=print)\np.start(); p.join(); print(p.exitcode)", "0"),
    "queue": ("q = mp.Queue()\np = mp.Process(target=lambda: q.put('put'))\np.start(); print(q.get(timeout=30)); p.join()", "put"),
    "manager": ("with mp.Manager() as m: print(m.list([1]))", "[1]"),
    "executors": ("from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor\nfor kind in (ThreadPoolExecutor, ProcessPoolExecutor):\n"
                  "    with kind(2) as pool: print(list(pool.map(abs, [-3])))", "[3] [3]"),
    "files": ("import shutil, tempfile\nwith tempfile.TemporaryDirectory() as d:\n    open(d + '/a', 'w').write('copied')\n    shutil.copy(d + '/a', d + '/b'); shutil.copy2(d + '/a', d + '/c'); shutil.copytree(d, 'tree')\n"
              "    print(open(d + '/b').read(), open('tree/c').read())", "copied copied"),
    "database": ("import sqlite3\nwith sqlite3.connect('a.db') as db: db.execute('create table t (x)'); db.execute('insert into t values (7)')\nprint(*db.execute('select x from t'))", "(7,)"),
    "loader": ("import torch, warnings\nwarnings.simplefilter('ignore')\nfrom torch.utils.data import DataLoader\nprint(sum(x.sum().item() for x in DataLoader(list(torch.arange(8.0)), batch_size=2, num_workers=2)))", "28.0"),
    "torch threads": ("torch.set_num_threads(4)\nprint((torch.ones(300, 300) @ torch.ones(300, 300)).sum().item())\ntorch.set_num_threads(1)", "27000000.0"),
    "figure": ("import matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.savefig('f.png'); print(os.path.getsize('f.png') > 1000); plt.close()", "True"),
    "asyncio": ("import asyncio\nasync def f(): await asyncio.sleep(0); return 'awaited'\nprint(await f())\n"
                "asyncio.new_event_loop().close()", "awaited"),
    "mapped file": ("open('m', 'wb').write(bytes(4096))\nwith open('m', 'r+b') as f, mmap.mmap(f.fileno(), 0) as m: m[:2] = b'ok'\nprint(open('m').read(2))", "ok"),
}
