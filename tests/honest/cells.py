"""Unusual cells of a student's own."""
from course import cell
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from honest import answer, before, place, unusual

VALUE = "(pi * torch.xlogy(p, D) + (1 - pi) * torch.xlogy(g, 1 - D)).sum(-1)"


@unusual
def displays_numbers(nb):
    cell(nb, "game_value").source += "\n0.5"
    before(nb, "test_game_value", "0.25", "display(0)", "1 / 0")


@unusual
def own_cells_everywhere(nb):
    nb.cells.insert(0, new_markdown_cell("My notes: $p < g$ & more"))
    before(nb, "test_jsd", "half = 0.5", "assert half == 0.5")
    nb.cells.append(new_code_cell("print('done')"))


@unusual
def plots(nb):
    before(nb, "jsd", "plt.plot([1, 2, 3])\nplt.title('mine')\nplt.show()", "fig, ax = plt.subplots()\nax.imshow(torch.rand(8, 8))")


@unusual
def widgets(nb):
    before(nb, "jsd", "import ipywidgets as widgets\nfrom IPython.display import HTML\n@widgets.interact(x=(0, 10))\ndef show_me(x=3):\n    print(x)",
           "display(HTML('<b>bold</b>'))", "widgets.IntSlider(value=3)")


@unusual
def magics(nb):
    before(nb, "jsd", "%%time\ntotal = sum(range(10))", "%matplotlib inline\n%timeit -n1 -r1 1 + 1\n!ls\nfiles = !ls", "%%writefile mine.py\nx = 3",
           "import mine\nassert mine.x == 3", "?torch.sum")


@unusual
def asynchronous(nb):
    before(nb, "jsd", "import asyncio\nawait asyncio.sleep(0.01)", "async def three():\n    return 3\nassert await three() == 3")


@unusual
def asks_for_input_and_fails(nb):
    before(nb, "jsd", "input('name? ')", "raise ValueError('an experiment')", "undefined_name", "this is no python")


@unusual
def threads_and_processes(nb):
    before(nb, "jsd", "import threading, subprocess, multiprocessing\nt = threading.Thread(target=print, args=('hello',))\nt.start(); t.join()\n"
                      "subprocess.run(['echo', 'hello'], check=True)", "with multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1, -2]))")


@unusual
def writes_files(nb):
    before(nb, "jsd", "torch.save(torch.ones(3), 'a.pt')\nassert torch.load('a.pt').sum() == 3\nopen('/tmp/x', 'w').write('x')\nplt.figure()\nplt.savefig('p.png')")


@unusual
def seeds_and_default_dtype(nb):
    before(nb, "jsd", "torch.manual_seed(0)\nimport random, numpy\nrandom.seed(1); numpy.random.seed(1)\ntorch.set_default_dtype(torch.float64)\n"
                      "torch.set_default_dtype(torch.float32)\ntorch.set_num_threads(2)")


@unusual
def names_of_the_instructor_reused_at_the_end(nb):
    nb.cells.append(new_code_cell("F = 3\nmath = None\nassert F == 3\ncall = Net = PI = None\nprint = None\nabs = 3"))


@unusual
def names_that_tests_use_as_loop_variables(nb):
    before(nb, "test_jsd", "b, c = range(3), {1, 2}\nweight = key = i = iter([1])\nmodule = name = torch.device('cpu')")


@unusual
def large_data_under_short_names(nb):
    before(nb, "game_value", "b, c = torch.zeros(40_000_000), torch.zeros(40_000_000)\nbig = torch.ones(100_000_000)\ntable = [{'a': 1}] * 1000")


@unusual
def uses_what_a_test_cell_defined(nb):
    answer(nb, "jsd", "m = PI * p + (1 - PI) * g      # p and g as above\nprint(m)\n" + cell(nb, "jsd").source)


@unusual
def uses_what_a_picture_cell_defined(nb):
    before(nb, "jsd", "width = float(x[1] - x[0])\nlogs = log_p - log_g")
    answer(nb, "jsd", "print(width)\n" + cell(nb, "jsd").source)


@unusual
def answer_in_an_own_cell_below_the_stub(nb):
    solved = cell(nb, "game_value").source
    answer(nb, "game_value", "def game_value(D, p, g, pi):\n    raise NotImplementedError")
    before(nb, "test_game_value", "# my answer\n" + solved)


@unusual
def answer_in_an_own_cell_without_the_stub(nb):
    at = place(nb, "game_value")
    nb.cells[at] = new_code_cell("# my answer\n" + nb.cells[at].source)


@unusual
def helper_in_a_picture_cell(nb):
    picture = next(c for c in nb.cells if c.id == "q2-picture")
    picture.source = "def kl(a, b):\n    return (torch.xlogy(a, a) - torch.xlogy(a, b)).sum(-1)\n\n" + picture.source
    c = cell(nb, "jsd")
    c.source = "\n".join(line for line in c.source.splitlines() if "lambda a, b" not in line)


@unusual
def scratch_then_a_copy_of_the_setup(nb):
    before(nb, "discriminator_loss", "F = 3     # a trial", cell(nb, "setup").source)


@unusual
def constants_changed_for_a_trial(nb):
    before(nb, "game_value", "PI, A = 0.5, 1.0")


@unusual
def restarts_the_kernel(nb):
    before(nb, "jsd", "import os\nos._exit(0)", "import os\nos.kill(os.getpid(), 9)", "import sys\nsys.exit()", "exit()", "get_ipython().kernel.do_shutdown(True)")


@unusual
def endless_cells(nb):
    before(nb, "jsd", "while True:\n    pass", "import time\nwhile True:\n    try:\n        time.sleep(1)\n    except:\n        pass")


@unusual
def debuggers(nb):
    before(nb, "jsd", "%pdb on", "1 / 0", "%pdb off", "%debug", "breakpoint()", "import pdb; pdb.set_trace()", "%xmode Verbose", "1 / 0", "%tb")


@unusual
def other_magics(nb):
    before(nb, "jsd", "%%bash\necho hello", "%load_ext autoreload\n%autoreload 2\n%config InlineBackend.figure_format = 'retina'", "%pip install numpy",
           "!pip install numpy -q", "%%timeit -n1 -r1\n1 + 1", "%%prun\nsum(range(9))", "pwd", "%who\n%whos\n%lsmagic", "%history", "torch.sum?",
           "game_value??", "%%writefile script.py\nprint('script')", "%run script.py", "%env USER", "%matplotlib widget", "%%html\n<b>x</b>", "%%latex\n$x$", "%%nonsense\n1")


@unusual
def shows_much(nb):
    before(nb, "jsd", "for n in range(100_000): print(n)", "print('x' * 10_000_000)", "for n in range(25):\n    plt.figure(); plt.plot(torch.rand(1000))",
           "list(range(100_000))", "torch.rand(1000, 1000)")


@unusual
def shows_many_kinds(nb):
    before(nb, "jsd", "from IPython.display import *\ndisplay(Markdown('**b**'), Latex('$x$'), SVG('<svg/>'), Javascript('1'), IFrame('https://x.org', 1, 1), Pretty('x'))",
           "handle = display('a', display_id=True)\nhandle.update('b')\nupdate_display('c', display_id=handle.display_id)", "2 + 2", "assert _ == 4 and Out and In",
           "import matplotlib.animation as animation\nfig, ax = plt.subplots()\nline, = ax.plot([0, 1])\n"
           "movie = animation.FuncAnimation(fig, lambda i: [line], frames=2)\nHTML(movie.to_jshtml())",
           "import ipywidgets as widgets\nout = widgets.Output()\nwith out:\n    print(1)\nout", "widgets.interact_manual(lambda x: x, x=3)",
           "import sympy\nsympy.init_printing()\nsympy.symbols('x')**2")


@unusual
def background_threads(nb):
    before(nb, "game_value", "import threading, time\ndef forever():\n    while True:\n        time.sleep(0.01)\n        print('tick')\n"
                             "threading.Thread(target=forever, daemon=True).start()", "import subprocess\nsubprocess.Popen(['sleep', '500'])")


@unusual
def data_loaders_with_workers(nb):
    before(nb, "jsd", "from torch.utils.data import DataLoader, TensorDataset\nloader = DataLoader(TensorDataset(torch.rand(64, 2)), batch_size=8, num_workers=2)\n"
                      "print(sum(len(x) for x, in loader))")


@unusual
def own_training(nb):
    before(nb, "density_ratio", "net = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))\nadam = torch.optim.Adam(net.parameters())\n"
                                "for _ in range(300):\n    adam.zero_grad(); net(torch.rand(64, 2)).square().mean().backward(); adam.step()",
           "from sklearn.linear_model import LogisticRegression\nimport numpy as np\nLogisticRegression().fit(np.random.rand(50, 2), np.arange(50) % 2)")


@unusual
def own_tests_with_the_course_tools(nb):
    before(nb, "test_discriminator_loss", "from course_lib.checks import Net, call, expect_close\nfrom course_lib import show, nets\n"
                                          "loss, slope = call(discriminator_loss, torch.zeros(3), torch.zeros(3), A, wrt=0)\nexpect_close('mine', loss, 2 * math.log(2), '')",
           "import inspect\nprint(inspect.getsource(discriminator_loss))", "import pickle, copy\nclass Mine: pass\npickle.loads(pickle.dumps(Mine()))\ncopy.deepcopy(Mine())")


@unusual
def no_network(nb):
    before(nb, "jsd", "import urllib.request\nurllib.request.urlopen('https://example.org', timeout=3)", "import requests\nrequests.get('https://example.org')",
           "!curl -m 3 https://example.org", "!git clone https://example.org/x.git")


@unusual
def builtins_overwritten(nb):
    nb.cells.insert(place(nb, "proof") + 1, new_code_cell("sum = 0\nfor k in [1, 2]: sum += k\nlist = [1]\nmax = id = input = type = str = 3\n_ = None"))


@unusual
def empty_and_raw_cells(nb):
    for i in range(len(nb.cells), 0, -2):
        nb.cells[i:i] = [new_code_cell(""), new_code_cell("   \n\n"), new_raw_cell("---\ntitle: x\n---"), new_code_cell("# only a remark"), new_markdown_cell("")]


@unusual
def changes_the_folder_and_goes_back(nb):
    before(nb, "game_value", "%cd /tmp", "%cd -", f"%%writefile values.py\nimport torch\n\ndef value(D, p, g, pi):\n    return {VALUE}")
    answer(nb, "game_value", "import values\n\ndef game_value(*tables):\n    return values.value(*tables)")
