"""Patches what the tests stand on."""
from attacks import WRONG, answers

PATCHES = {
    "builtins": "import builtins\nfor n in ('abs', 'all', 'any', 'isinstance', 'len', 'hasattr', 'float', 'max'): setattr(builtins, n, lambda *a, **k: True)",
    "assertion_error": "import builtins\nbuiltins.AssertionError = type('A', (Exception,), {'__new__': lambda c, *a: None})",
    "torch_functions": "torch.allclose = torch.equal = torch.isclose = torch.Tensor.allclose = torch.Tensor.__eq__ = torch.Tensor.__lt__ = lambda *a, **k: True",
    "torch_abs": "torch.Tensor.__abs__ = torch.Tensor.abs = torch.abs = lambda s: s * 0",
    "numpy": "import numpy\nnumpy.allclose = numpy.isclose = numpy.testing.assert_allclose = lambda *a, **k: True",
    "math": "import math, cmath\nmath.log = math.isclose = math.exp = lambda *a, **k: 0.0",
    "warnings": "import warnings\nwarnings.simplefilter('error')\nwarnings.showwarning = warnings.warn = None",
    "sys_modules": "import sys, types\nfor n in list(sys.modules):\n    if n.startswith('course_lib.checks'): sys.modules[n] = types.SimpleNamespace(__getattr__=lambda n: lambda *a: 0)",
    "import_hook": "import sys, builtins\nclass F:\n    def find_spec(self, *a): raise SystemExit\nsys.meta_path.insert(0, F())\nsys.path_hooks.insert(0, F)\nbuiltins.__import__ = lambda *a, **k: None",
    "settrace": "import sys, threading\ndef t(frame, event, arg):\n    frame.f_trace_lines = False\n    for k in list(frame.f_locals): frame.f_locals[k] = 2\n    return t\n"
                "sys.settrace(t); threading.settrace(t)",
    "setprofile": "import sys\nsys.setprofile(lambda f, e, a: None if e != 'c_exception' else __import__('os')._exit(0))",
    "excepthook": "import sys\nsys.excepthook = sys.unraisablehook = lambda *a: print(2)",
    "finalizer": "import gc\nclass D:\n    def __del__(self): global game_value; game_value = 2\ngc.callbacks.append(lambda *a: D())\nD()",
    "audit_hook": "import sys\nsys.addaudithook(lambda e, a: (_ for _ in ()).throw(RuntimeError(e)) if e == 'compile' else None)",
    "small_integers": "import ctypes\nctypes.memset(id(2) + 24, 0, 4)",
    "true_is_false": "import ctypes\nctypes.c_long.from_address(id(False) + 24).value = 1\nctypes.c_ssize_t.from_address(id(False) + 16).value = 1",
    "none": "import ctypes\nctypes.c_ssize_t.from_address(id(None)).value = 0",
    "types": "import ctypes, gc\ngc.get_referents(float.__dict__)[0]['__eq__'] = gc.get_referents(float.__dict__)[0]['__lt__'] = lambda *a: True\nctypes.pythonapi.PyType_Modified(ctypes.py_object(float))",
    "recursion_limit": "import sys\nsys.setrecursionlimit(50)",
    "default_dtype": "torch.set_default_dtype(torch.float64); torch.set_default_device('meta')",
    "grad_mode": "torch.set_grad_enabled(False); torch.autograd.grad = lambda *a, **k: None",
    "json": "import json\njson.dumps = lambda *a, **k: '{\"id\": 1, \"ok\": true}'\njson.loads = lambda *a: {}",
    "signals": "import signal\nfor s in range(1, 32):\n    try: signal.signal(s, lambda *a: None)\n    except OSError: pass\nsignal.setitimer(signal.ITIMER_REAL, .001, .001)",
}
answers(__name__, **{name: (f"Patches before the tests run: {source[:60]!r}", f"{WRONG}\n{source}\n{WRONG}" if name not in ("import_hook", "none") else f"{WRONG}\n{source}")
                     for name, source in PATCHES.items()})
