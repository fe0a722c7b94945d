"""Returns things that equal everything, or are nothing that a test expects."""
from attacks import GAME, RIGHT, answers, in_functions

BODY = "def game_value(D, p, g, pi):\n    return "
EQUAL = '''class E:
    def __eq__(self, o): return True
    __ne__ = lambda s, o: False
    __lt__ = __le__ = __gt__ = __ge__ = __eq__
    __abs__ = __sub__ = __rsub__ = __add__ = __radd__ = __getitem__ = __getattr__ = __call__ = lambda s, *a, **k: s
    __bool__ = lambda s: True
    __hash__ = lambda s: 0
    __float__ = lambda s: 0.0
    __array__ = lambda s, *a, **k: __import__("numpy").zeros(())
    @classmethod
    def __torch_function__(cls, f, t, a=(), k=None): return True
'''
RESULTS = {
    "equal": EQUAL + BODY + "E()",
    "equal_tensor": "class T(torch.Tensor):\n    @classmethod\n    def __torch_function__(cls, f, types, args=(), kwargs=None): return True\n" + BODY + "torch.zeros(p.shape[:-1]).as_subclass(T)",
    "lying_tensor": "class T(torch.Tensor):\n    shape = property(lambda s: (4,))\n    dtype = property(lambda s: torch.float64)\n    numel = lambda s: 1\n    detach = lambda s: s\n"
                    "    reshape = lambda s, *a: s\n" + BODY + "torch.zeros(p.shape[:-1]).as_subclass(T)",
    "wrapped_tensor": "class T(torch.Tensor):\n    @staticmethod\n    def __new__(cls): return torch.Tensor._make_wrapper_subclass(cls, (2 ** 40,))\n"
                      "    @classmethod\n    def __torch_dispatch__(cls, f, types, args=(), kwargs=None): return T()\n" + BODY + "T()",
    "equal_float": "class F(float):\n    __eq__ = __lt__ = lambda s, o: True\n    __sub__ = __rsub__ = __abs__ = lambda s, *o: s\n    numel = lambda s: 1\n    shape = ()\n" + BODY + "F(0)",
    "equal_array": "import numpy as np\nclass A(np.ndarray):\n    __eq__ = __lt__ = __abs__ = __sub__ = lambda s, *o: True\n" + BODY + "np.zeros(p.shape[:-1]).view(A)",
    "object_array": EQUAL + "import numpy as np\n" + BODY + "np.array([E()], dtype=object)",
    "structured_array": "import numpy as np\n" + BODY + "np.zeros(3, dtype=[('a', 'f8'), ('b', 'O')])",
    "equal_text": "class S(str):\n    __eq__ = __contains__ = lambda s, o: True\n    __hash__ = str.__hash__\n" + BODY + "S('2')",
    "equal_dict": "class D(dict):\n    __eq__ = __contains__ = lambda s, o: True\n    def items(self): raise KeyboardInterrupt\n    __missing__ = lambda s, k: 0\n" + BODY + "D(a=1)",
    "fake_class": "class C:\n    __class__ = torch.Tensor\n    shape = (); dtype = torch.float32\n" + BODY + "C()",
    "nan": BODY + "torch.full(p.shape[:-1], float('nan'), dtype=p.dtype)",
    "infinite": BODY + "torch.full(p.shape[:-1], -float('inf'), dtype=p.dtype)",
    "nan_payload": "import struct\n" + BODY + "torch.tensor(struct.unpack('f', b'\\x01\\x00\\xa0\\x7f')[0]).expand(p.shape[:-1])",
    "complex_": BODY + "torch.full(p.shape[:-1], complex('nan+infj'))",
    "boolean": BODY + "torch.ones(p.shape[:-1], dtype=torch.bool)",
    "quantized": BODY + "torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.qint8)",
    "nested_tensor": BODY + "torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])",
    "a_parameter": BODY + "torch.nn.Parameter(torch.zeros(p.shape[:-1], dtype=p.dtype))",
    "a_net": BODY + "torch.nn.Linear(1, 1)",
    "function": BODY + "lambda *a: True",
    "the_inputs": BODY + "(D, p, g)",
    "a_class": "class game_value:\n    def __new__(cls, *a): return 0",
    "a_module": "game_value = torch",
    "a_number": "game_value = 2.0",
    "a_text": "game_value = 'return 2'",
    "a_dict_of_tensors": "game_value = {torch.zeros(1): [torch.zeros(3)] * 3, (1, 2): {'x': None}}",
    "a_signature": "class G:\n    def __call__(self, *a): return torch.zeros(())\n    __signature__ = property(lambda s: 1 / 0)\n    __name__ = property(lambda s: 1 / 0)\ngame_value = G()",
    "a_lying_signature": "import inspect\ndef game_value(*a): return torch.zeros(())\ngame_value.__signature__ = inspect.Signature([inspect.Parameter('x' * 10 ** 6, inspect.Parameter.KEYWORD_ONLY)])",
    "a_callable_that_is_not": "class M(type):\n    __call__ = None\nclass game_value(metaclass=M): pass",
    "changes_its_inputs": BODY.replace("return ", "for t in (D, p, g): t.copy_(torch.zeros_like(t))\n    return ") + "torch.zeros(p.shape[:-1], dtype=p.dtype)",
    "resizes_its_inputs": BODY.replace("return ", "D.resize_(0); p.set_(); g.data = torch.zeros(9, 9)\n    return ") + "torch.zeros(())",
    "error_with_bad_text": "class X(Exception):\n    __str__ = __repr__ = lambda s: 1 / 0\n" + BODY + "(_ for _ in ()).throw(X())",
    "error_without_name": "X = type('\\ud800\\0<b>', (AssertionError,), {})\n" + BODY + "(_ for _ in ()).throw(X('\\ud800\\0'))",
    "error_of_the_grader": BODY + "(_ for _ in ()).throw(type('TookTooLong', (Exception,), {})('CannotCross'))",
    "unicode_error": BODY + "'\\ud800'.encode()",
    "unicode_result": BODY + "{'\\ud800': '\\udfff\\0'}",
}
in_functions(__name__, **{name: ("A result that is no honest tensor.", source) for name, source in RESULTS.items()})
answers(__name__, subclass=("An honest result of a subclass of Tensor.", "class T(torch.Tensor): pass\n" + RIGHT + "h = game_value\n"
                                    "def game_value(*a): return h(*a).as_subclass(T)", GAME))
