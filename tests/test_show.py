import os

import matplotlib.pyplot as plt
import torch
from warm import Warm

from course_lib import show
from course_lib.core import History
from course_lib.gan import gan, minimax


def test_a_grid_lays_images_out_row_by_row():
    x = torch.full((5, 1, 4, 4), -1.0)
    x[4] = 1
    shown = show.grid(x, columns=3).axes[0].images[0].get_array()
    assert shown.shape == (12, 18)      # two rows of three, each image with a margin of one pixel
    assert shown[7:11, 7:11].min() == 1
    assert shown[1:5, 13:17].max() == 0
    assert shown[7:11, 13:17].min() == 1
    coloured = show.grid(x.expand(-1, 3, -1, -1), columns=5).axes[0].images[0].get_array()
    assert coloured.shape == (6, 30, 3)
    plt.close("all")


def test_a_figure_carries_its_alternative_text_and_caption(monkeypatch):
    shown = []
    monkeypatch.setattr(show, "display", shown.append)
    show.figure(plt.figure(), alt="nothing", caption="An empty figure.")
    picture, caption = shown
    assert picture.data.startswith(b"\x89PNG")
    assert picture._repr_mimebundle_()[1]["image/png"]["alt"] == "nothing"
    assert caption.data == "*An empty figure.*" and not plt.get_fignums()


def test_curves_and_paths():
    figure = show.curves(History({"D": [1.0] * 60, "G": [2.0, 4.0]}), smooth=50)
    assert [line.get_label() for line in figure.axes[0].lines] == ["loss of D", "loss of G"]
    assert figure.axes[0].lines[1].get_ydata().tolist() == [3.0]
    path = torch.stack([torch.zeros(4, 2), torch.ones(4, 2)])
    assert len(show.trajectory(path).axes[0].lines) == 4
    plt.close("all")


def test_source_shows_the_code_that_runs_beside_its_equation_and_citation():
    text = show.source(minimax.jsd, r"\mathrm{JSD}").data
    assert r"$\displaystyle \mathrm{JSD}$" in text and "Goodfellow et al. 2014, eq. 6" in text
    assert "kl" in text and '"""' not in text
    assert "discriminator_loss" in show.source(gan.GAN.loss, "V").data
    assert r"p(x \mid x_{&lt;i})$" in show.source(minimax.jsd, r"p(x \mid x_{<i})").data    # no tag


CELLS = (
    "import ipywidgets, matplotlib.pyplot as plt, torch\nfrom course_lib import show",
    "show.figure(show.grid(torch.zeros(4, 1, 8, 8)), alt='grey', caption='Grey.')",
    "plt.plot([1, 2]); plt.show()", "plt.plot([2, 1]);",
    "@ipywidgets.interact(x=(0, 3))\ndef draw(x=1):\n    plt.plot([x, 3]); plt.show()")
NOTEBOOK = f"""
import hashlib
from ipykernel.inprocess import InProcessKernelManager
manager = InProcessKernelManager()
manager.start_kernel()
client = manager.client()
client.start_channels()
for cell in {CELLS}:
    client.execute(cell)
    while client.iopub_channel.msg_ready():
        message = client.iopub_channel.get_msg()
        assert message["msg_type"] != "error", message["content"]
        if picture := message["content"].get("data", {{}}).get("image/png"):
            print("picture", hashlib.sha256(str(picture).encode()).hexdigest())
"""


def test_a_notebooks_pictures_are_the_same_under_any_backend(tmp_path):
    (tmp_path / "notebook.py").write_text(NOTEBOOK)
    server, shown = Warm("torch", "ipywidgets", "ipykernel.inprocess"), {}
    for backend in ("module://matplotlib_inline.backend_inline", "QtAgg"):      # Qt is not here
        environment = os.environ | {"MPLBACKEND": backend, "IPYTHONDIR": str(tmp_path)}
        code, said = server.run("notebook.py", cwd=tmp_path, env=environment)
        assert code == 0, said
        shown[backend] = [line for line in said.splitlines() if line.startswith("picture")]
    inline, qt = shown.values()
    assert inline == qt and len(inline) == 4
