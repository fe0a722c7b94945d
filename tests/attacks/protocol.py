"""Speaks to the checker in the kernel's place: frames, ids, values and gradients that it must not send."""
import nbformat

from attacks import GAME, RIGHT, WRONG, answers, attack, in_functions, waits

# k is the kernel's object, ask the request that is being answered, raw(bytes) writes to the checker.
PRELUDE = '''import sys, os, json, struct
def grip():
    f, k, ask = sys._getframe(), None, None
    while f:
        k = f.f_locals["self"] if type(f.f_locals.get("self")).__name__ == "Kernel" else k
        ask = f.f_locals["request"] if isinstance(f.f_locals.get("request"), dict) else ask
        f = f.f_back
    return k, ask
def raw(data):
    os.set_blocking(3, True)
    try:
        while data: data = data[os.write(3, data):]
    except OSError: pass
def frame(message, data=b"", n_text=None, n_data=None):
    text = message if isinstance(message, bytes) else json.dumps(message).encode()
    raw(struct.pack("!IQ", len(text) if n_text is None else n_text, len(data) if n_data is None else n_data) + text + data)
'''
CALL = PRELUDE + "def game_value(D, p, g, pi):\n    k, ask = grip()\n    i = ask['id']\n    "
BY = "\n    os._exit(0)"                                 # nothing honest follows


def call(tries: str, source: str, end: str = BY) -> tuple[str, str]:
    return tries, CALL + source.replace("\n", "\n    ") + end


def reply(tries: str, **fields) -> tuple[str, str]:
    """A forged answer to the call, in the place of the honest one."""
    text = ", ".join(f"{key!r}: {value}" for key, value in fields.items())
    return call(tries, f"frame({{'id': i, {text}}})")


in_functions(
    __name__,
    garbage_in_call=call("Writes garbage in a call.", "raw(os.urandom(10 ** 6))"),
    long_frame=call("A frame of 2^60 bytes.", "frame({'id': i}, n_data=2 ** 60)"),
    long_text=call("A text of 4 GB.", "frame({'id': i}, n_text=2 ** 32 - 1)"),
    allowed_long=call("The longest frame that is allowed, of which nothing comes.", "frame({'id': i}, n_text=32 << 20, n_data=128 << 20)\nimport time\ntime.sleep(99)"),
    trickle=call("A frame that comes byte by byte.", "import time\nraw(struct.pack('!IQ', 1000, 0))\nwhile True: raw(b' '); time.sleep(.2)"),
    half_frame=call("Half a frame.", "raw(struct.pack('!IQ', 1000, 0) + b'{')"),
    no_json=call("A frame that is no JSON.", "frame(b'\\xff{')"),
    no_object=call("A frame that is a list.", "frame([1, 2])"),
    empty=call("An empty object.", "frame({})"),
    deep_json=call("JSON nested 100 000 deep.", "frame(b'{\"id\": ' + b'[' * 100_000 + b']' * 100_000 + b'}')"),
    deep_json_allowed=call("JSON nested as deep as it can be read.", "n = 960\nframe(b'{\"id\": %d, \"result\": 0, \"printed\": [{\"text\": ' % i + b'[' * n + b']' * n + b'}]}')"),
    many_lists=call("Ten million empty lists.", "frame(b'{\"id\": %d, \"result\": [' % i + b'[],' * 10_000_000 + b'1]}')"),
    long_number=call("A number of a million digits.", "frame(b'{\"id\": %d, \"result\": ' % i + b'9' * 1_000_000 + b'}')"),
    same_keys=call("An object with the same key twice.", "frame(b'{\"id\": -1, \"id\": %d, \"result\": 0}' % i)"),
    id_true=call("Ids that equal the right one.", "frame({'id': float(i), 'result': 0})"),
    id_future=call("Answers to questions of the future.", "for n in range(1, 500): frame({'id': i + n, 'result': 0, 'ok': True, 'outputs': [], 'names': {}})"),
    id_past=call("Answers to questions of the past.", "for n in range(i): frame({'id': n, 'result': 0})"),
    twice=call("Answers twice.", "frame({'id': i, 'result': 0.0})", "\n    return 0.0"),
    ahead=call("Answers the next questions ahead, then as it should.", "frame({'id': i, 'result': 0.0})\nfor n in range(1, 9): frame({'id': i + n, 'result': 0.0})", "\n    return 0"),
    no_result=reply("No result.", ok="True"),
    tensor_negative=reply("A tensor with a negative dimension.", result="{'tensor': ['float32', [-1], -4]}"),
    tensor_huge=reply("A tensor with more elements than bytes.", result="{'tensor': ['float32', [2 ** 60], 2 ** 62]}"),
    tensor_no_bytes=reply("A tensor that claims bytes that did not come.", result="{'tensor': ['float32', [1000], 4000]}"),
    tensor_empty_huge=reply("A tensor of no elements with huge dimensions.", result="{'tensor': ['float64', [0] + [2 ** 27] * 15, 0]}"),
    array_empty_huge=reply("The same as an array.", result="{'array': ['float64', [0] + [2 ** 27] * 15, 0]}"),
    tensor_many_dims=reply("A tensor of a thousand dimensions.", result="{'tensor': ['float32', [1] * 1000, 4]}"),
    tensor_dtype=reply("A dtype that there is not.", result="{'tensor': ['qint32', [], 4]}"),
    tensor_dtype_list=reply("A dtype that is a list.", result="{'tensor': [['float32'], [], 4]}"),
    tensor_bool_shape=reply("A shape of truth values.", result="{'tensor': ['float32', [True], 4]}"),
    tensor_text=reply("A tensor that is a text.", result="{'tensor': 'float32'}"),
    array_objects=reply("An array of objects.", result="{'array': ['O', [1], 8]}"),
    array_void=reply("An array of a structured dtype.", result="{'array': ['V8', [1], 8]}"),
    scalar_empty=reply("A scalar without a number.", result="{'scalar': ['float64', [0], 0]}"),
    dict_unhashable=reply("A dict whose key is a list.", result="{'dict': [[[], 1]]}"),
    dict_short=reply("A dict without values.", result="{'dict': [[1]]}"),
    tuple_number=reply("A tuple that is a number.", result="{'tuple': 7}"),
    complex_text=reply("A complex number made of words.", result="{'complex': ['nan', 'x']}"),
    a_net=reply("A network, which only the checker sends.", result="{'net': ['mlp', [1, 1], {'dict': []}]}"),
    a_generator=reply("A generator.", result="{'generator': {'tensor': ['uint8', [0], 0]}}"),
    a_callback=reply("A function.", result="{'callback': 0}"),
    unknown_kind=reply("A kind of value that there is not.", result="{'__class__': 'os.system'}"),
    deep_value=reply("A value nested 400 deep.", result="eval('[' * 90 + ']' * 90)"),
    nan_values=reply("Numbers that are none.", result="float('nan')"),
    raised_odd=reply("An error that is no error.", raised="{'x': 1}"),
    raised_system=reply("An error that would end the checker.", raised="['SystemExit', '0']"),
    raised_interrupt=reply("An interrupt.", raised="['KeyboardInterrupt', '']"),
    raised_timeout=reply("A time limit that did not pass.", raised="['TookTooLong', '']"),
    raised_group=reply("An exception group.", raised="['ExceptionGroup', 'x']"),
    raised_unicode=reply("An error whose constructor wants more.", raised="['UnicodeDecodeError', 'x']"),
    raised_import=reply("A text with paths, HTML and escapes.", raised="['ImportError', '<script>alert(1)</script>\\x1b[2J /etc/passwd \\ud800' * 999]"),
    printed_odd=reply("Printed things that are no text.", result="0", printed="[1, None, {'text': {'a': [1]}}, {'text': 5}] * 50"),
    printed_number=reply("Prints points.", result="0", printed="[{'output_type': 'execute_result', 'data': {'text/plain': '2'}, 'text': '2.0'}]"),
    changed_odd=reply("Says that odd arguments changed.", result="0", changed="[-1, 10 ** 30, 'x', None, True] * 1000"),
    graph_odd=reply("A graph that is no number.", result="0", graph="'x'", requires_grad="'xx'"),
    callback_forged=call("Calls a function that it was not given.", "frame({'callback': 0, 'args': {'tuple': [{'tuple': []}, {'dict': []}]}})"),
    callback_odd=call("Calls functions by odd names.", "for n in (-1, True, 1e99, '__import__', None, [0]): frame({'callback': n, 'args': 0, 'id': i})"),
    callback_for_ever=call("Calls functions without end.", "while True: frame({'callback': 0, 'args': 1})"),
    large_replies=call("Answers with as much as a frame may hold, again and again.", "n = 128 << 20\nframe({'id': i, 'result': {'tensor': ['uint8', [n], n]}}, bytes(n))", "\n    return 0"),
    many_tensors=call("Four hundred thousand tensors of one byte.", "n = 400_000\nframe(b'{\"id\": %d, \"result\": [' % i + b'{\"tensor\":[\"int8\",[1],1]},' * n + b'0]}', bytes(n))"),
    many_objects=call("A million objects.", "frame(b'{\"id\": %d, \"result\": 0, \"x\": [' % i + b'{\"\":0},' * 1_000_000 + b'0]}')"),
    colliding_keys=call("Keys whose hashes are the same.", "frame({'id': i, 'result': {'dict': [[k * (2 ** 61 - 1), 0] for k in range(10_000)]}})"),
    array_empty_objects=reply("An array of no objects.", result="{'array': ['O', [0], 0]}"),
    floods=call("Writes without end, and reads nothing.", "while True: raw(bytes(1 << 20))"),
)
answers(
    __name__,
    garbage=("Writes garbage to every descriptor.", PRELUDE + "for fd in range(256):\n    try: os.write(fd, os.urandom(4096))\n    except OSError: pass\n" + RIGHT),
    deaf=waits("Never reads a question.", PRELUDE + RIGHT + "k, _ = grip()\nk.channel.receive = lambda *a: __import__('time').sleep(99)"),
    closed=("Closes the line.", PRELUDE + RIGHT + "os.close(3)"),
    shut_down=("Shuts the line down in one direction.", PRELUDE + RIGHT + "import socket\ns = socket.socket(fileno=os.dup(3))\ns.shutdown(socket.SHUT_RD)"),
    patched_encode=("Patches encode to say that all is right.",
                    "import course_lib.grading.kernel as m, course_lib.grading.wire as w\nm.encode = w.encode = lambda x, out, *a: True\nm.decode = lambda *a: ((), {})\n" + WRONG),
    patched_kernel=("Patches the kernel to answer every call with its input.",
                    PRELUDE + WRONG + "k, _ = grip()\ntype(k).do_call = lambda self, request, data, out: (out.append(data), {'result': request['args'], 'changed': []})[1]"),
    patched_names=("Says that every name is a text, a number, a function.",
                   PRELUDE + WRONG + "k, _ = grip()\ntype(k).do_names = lambda self, request, data, out: {'names': {n: {'value': 0, 'cannot': 5, 'parameters': [0, 'x y', 'class', '*']} for n in "
                   "[*request['names'], 'torch', 'math', 'ex01', 'abs', '__builtins__', 'call', 'report']}}"),
    names_odd=("Answers a question for names with odd things.", PRELUDE + WRONG + "k, _ = grip()\ntype(k).do_names = lambda self, request, data, out: {'names': [1, {'game_value': 2}]}"),
    many_parameters=("A function of a million parameters.",
                     PRELUDE + WRONG + "k, _ = grip()\ntype(k).do_names = lambda self, request, data, out: {'names': {n: {'parameters': [f'p{i}' for i in range(10 ** 6)]} for n in request['names']}}"),
    printed_bomb=("Prints 30 MB a reply, around the kernel's own limit.",
                  PRELUDE + RIGHT + "k, _ = grip()\nold = k.channel.send\nk.channel.send = lambda m, out=(), *a: old(m | {'printed': [{'text': 'x' * 30_000_000}]}, out)", {}, (), GAME),
    outputs_bomb=("Shows a hundred thousand outputs.", PRELUDE + "k, _ = grip()\nold = k.channel.send\n"
                  "k.channel.send = lambda m, out=(), *a: old(m | {'outputs': [{'output_type': 'stream', 'text': 'x'}] * 10 ** 5} if 'outputs' in m else m, out)\n" + RIGHT, GAME),
    outputs_odd=("Sends outputs of odd types.", PRELUDE + "k, _ = grip()\nold = k.channel.send\n"
                 "k.channel.send = lambda m, out=(), *a: old(m | {'outputs': {'x': 1}} if 'outputs' in m else m, out)\n" + RIGHT, GAME),
    outputs_deep=("Sends outputs nested deep.", PRELUDE + "k, _ = grip()\nx = 0\nfor _ in range(400): x = [{'a': x}]\nold = k.channel.send\n"
                  "k.channel.send = lambda m, out=(), *a: old(m | {'outputs': [{'output_type': 'display_data', 'data': {'text/plain': x, 'text/html': x}}, x]} if 'outputs' in m else m, out)\n" + RIGHT, GAME),
    callback_in_names=("Calls a function while it is asked for names.", PRELUDE + RIGHT + "k, _ = grip()\nold = type(k).do_names\n"
                       "type(k).do_names = lambda self, *a: (frame({'callback': 0, 'args': {'tuple': [{'tuple': []}, {'dict': []}]}}), old(self, *a))[1]"),
    printed_surrogates=("Prints half characters and control characters, around the kernel's own check.", PRELUDE + RIGHT + "k, _ = grip()\nold = k.channel.send\n"
                        "k.channel.send = lambda m, out=(), *a: old(m | {'printed': [{'text': '\\ud800\\x00\\x1b[2J'}]}, out)", GAME),
    outputs_seven_deep=("Shows outputs nested just deeper than outputs are.", PRELUDE + "k, _ = grip()\nold = k.channel.send\n"
                        "k.channel.send = lambda m, out=(), *a: old(m | {'outputs': [{'output_type': 'display_data', 'data': {'text/plain': [[[['x']]]]}}]} if 'outputs' in m else m, out)\n" + RIGHT, GAME),
    answers_late=("Lets a child answer after the time is up.", PRELUDE + "def game_value(D, p, g, pi):\n    k, ask = grip()\n    if os.fork() == 0:\n        import time, signal\n"
                  "        signal.signal(2, signal.SIG_IGN)\n        time.sleep(7)\n        for n in range(50): frame({'id': ask['id'] + n, 'result': 0})\n        os._exit(0)\n    return p.sum()"),
)


@attack()
def outputs_deepest(course, folder, notebook):
    """Outputs nested just as deep as the checker can read them, which is deeper than others can."""
    for n in range(950, 996):
        notebook.cells.append(nbformat.v4.new_code_cell(PRELUDE + f"""k, ask = grip()
frame(b'{{"id": %d, "ok": true, "outputs": ' % ask['id'] + b'[' * {n} + b']' * {n} + b'}}')
def once(*a, old=k.channel.send): k.channel.send = old
k.channel.send = once"""))
    return notebook
