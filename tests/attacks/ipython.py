"""IPython's hooks, transformers and magics, and what it displays."""
from attacks import GAME, RIGHT, WRONG, answers, in_functions, waits

in_functions(
    __name__,
    tree_transformer=("Takes the asserts out of every syntax tree.",
                      "import ast\nclass T(ast.NodeTransformer):\n    def visit_Assert(self, node): return ast.Pass()\nget_ipython().ast_transformers.append(T())\n" + WRONG),
    post_run=("Shows 2 points after each cell.", "get_ipython().events.register('post_run_cell', lambda r: display(2))\nprint(2)\n" + WRONG),
    names_of_the_tests=("Overwrites the names that the tests use.",
                        "PI = A = math = torch = F = Net = call = show = ex01 = report = expected = V = batch = p = g = __builtins__ = abs = tuple = 2\n"
                        "def game_value(*a): return 2"),
    showtraceback=("Hides errors.", "ip = get_ipython()\nip.showtraceback = ip._showtraceback = lambda *a, **k: None\nip.set_custom_exc((BaseException,), lambda *a: None)\n" + WRONG),
    displayhook=("Shows full points whatever is shown.", "import sys\nsys.displayhook = get_ipython().displayhook = lambda x: print(2.0)\n2\n" + WRONG),
    publisher=("Sends outputs of every kind that there is.",
               "ip = get_ipython()\nip.outputs.extend([None, 7, 'x', [], {}, {'output_type': 'nothing'}, {'output_type': 'stream', 'text': {'a': 1}, 'name': [1]}, {'output_type': 'error', 'traceback': 5},\n"
               "    {'output_type': 'execute_result', 'data': {'text/plain': ['2'], 'image/png': 'ä', 'text/html': None, 'application/javascript': 'alert(1)'}}, {'output_type': 'display_data', 'data': []},\n"
               "    {'output_type': 'update_display_data'}, {'output_type': 'execute_result', 'data': {'text/plain': '2.0'}, 'execution_count': 'x', 'metadata': 1}])\n" + RIGHT),
    result=("Shows 2.", WRONG + "2.0"),
    stdout=("Replaces stdout, stderr and display.",
            "import sys, builtins, IPython.display as d\nsys.stdout = sys.stderr = sys.__stdout__ = open('/dev/null', 'w')\ndisplay = d.display = builtins.print = None\n" + WRONG),
    stream_lies=("Puts results among what it has printed.", "import sys\nsys.stdout.shell.outputs.stream('stdout', '2.0')\nsys.stdout.write = None\n" + WRONG),
    async_function=("Makes the answer a coroutine.", RIGHT.replace("def ", "async def ")),
)
answers(
    __name__,
    input_transformer=("Empties every cell that follows.", "get_ipython().input_transformers_cleanup.append(lambda lines: ['pass\\n'])\n" + WRONG),
    syntax_transformer=("The same once the cell is Python.", "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])\n" + WRONG),
    run_cell=("Replaces run_cell.", "ip = get_ipython()\nip.run_cell = lambda *a, **k: type('R', (), {'success': True})()\ntype(ip).run_cell = ip.run_cell\n" + WRONG),
    compiler=("Replaces the compiler.", "ip = get_ipython()\nip.compile = lambda *a, **k: compile('2.0', 'x', 'single')\nip.run_ast_nodes = None\n" + WRONG),
    pre_run=("Ends the kernel before each cell that follows.", "import os\nget_ipython().events.register('pre_run_cell', lambda i: os._exit(0))\n" + WRONG),
    namespace=("Makes a namespace that has everything.",
               "class N(dict):\n    def __missing__(self, k): return lambda *a, **k: 2.0\n    def __contains__(self, k): return True\n"
               "ip = get_ipython()\nip.user_ns = N(ip.user_ns)\nip.user_ns['game_value'] = 2"),
    magics=("Runs magics.", "%cd /\n%autoreload 2\n%env PYTHONSTARTUP=/tmp/x\n%colors Linux\n%config InteractiveShell.ast_node_interactivity = 'none'\n" + WRONG),
    shell_magic=("Runs a shell.", "!echo kanarie_was_here > /tmp/kanarie; cat /root/* 2>/dev/null\n" + RIGHT, GAME),
    cell_magic=("Hides its cell in a magic.", "%%script false\n" + RIGHT),
    bash_magic=waits("Runs its cell in bash.", "%%bash\nsleep 1000 &\necho 2"),
    reset=("Forgets everything.", "%reset -f\n" + WRONG),
    exits=("Asks IPython to exit.", "get_ipython().ask_exit()\nget_ipython().exit_now = True\nexit\n" + RIGHT, {}, ()),
    history=("Shows the inputs so far.", "print(In, Out, get_ipython().history_manager.input_hist_raw)\n" + RIGHT, GAME),
    async_cell=("Awaits in its cell, and leaves tasks behind.", "import asyncio\nasync def f():\n    while True: await asyncio.sleep(0)\nasyncio.ensure_future(f()) if 0 else None\n"
                "await asyncio.sleep(0)\n" + RIGHT, GAME),
)
