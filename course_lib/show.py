"""Pictures of the course: grids of images, training curves, paths of points, a function's source
beside its equation.

Every figure goes through `figure`, which gives it an alternative text and a caption. Colours:
Okabe & Ito 2008, which differ for colour-blind readers too; figures have a white ground, so that
they read on a dark page as well. In a notebook they are in the page, whatever MPLBACKEND says.
"""
import ast
import html
import inspect
import io
import textwrap

import matplotlib.pyplot as plt
import torch
from IPython import get_ipython
from IPython.display import HTML, Image, Markdown, display
from matplotlib.figure import Figure
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from torch import Tensor

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, YELLOW, BLACK = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000")
plt.rcParams.update({
    "figure.facecolor": "white", "axes.spines.top": False, "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY]),
    "font.size": 10, "legend.frameon": False, "lines.linewidth": 2})
if hasattr(get_ipython(), "kernel"):            # a notebook's pictures are in it, whatever is set
    get_ipython().enable_matplotlib("inline")   # in MPLBACKEND; a later %matplotlib changes that


def png(fig: Figure) -> bytes:
    """The figure as a PNG file; the figure is closed."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=90, bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    return buffer.getvalue()


def figure(fig: Figure, *, alt: str, caption: str) -> None:
    """Shows the figure with a text for those who do not see it, and a caption that says what to
    see in it."""
    display(Image(png(fig), alt=alt))
    display(Markdown(f"*{caption}*"))


def grid(x: Tensor, *, columns: int = 10, ax: plt.Axes | None = None, title: str = "") -> Figure:
    """Images (n, 1 or 3, H, W) in [-1, 1], row by row, `columns` to a row."""
    n, channels, height, width = x.shape
    rows = -(-n // columns)
    padded = torch.full((rows * columns, channels, height + 2, width + 2), 1.0)
    padded[:n, :, 1:-1, 1:-1] = x.detach().cpu().float()
    cells = padded.view(rows, columns, channels, height + 2, width + 2)
    table = cells.permute(0, 3, 1, 4, 2).flatten(0, 1).flatten(1, 2)
    if ax is None:
        ax = plt.subplots(figsize=(0.62 * columns, 0.62 * rows))[1]
    ax.imshow(((table + 1) / 2).clamp(0, 1).squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1)
    ax.set(title=title)
    ax.axis("off")
    return ax.figure


def curves(history, *, smooth: int = 50, ax: plt.Axes | None = None) -> Figure:
    """Each player's loss over its turns, as a running mean of `smooth` turns.

    history: a `History` of `course_lib.core.fit`.
    """
    ax = ax or plt.subplots(figsize=(6, 2.6))[1]
    for name, losses in history.losses.items():
        values = torch.tensor(losses)
        window = max(1, min(smooth, len(losses)))
        ax.plot(values.unfold(0, window, 1).mean(-1), label=f"loss of {name}")
    ax.set(xlabel="turns of the player", ylabel="nats")
    ax.legend()
    return ax.figure


def points(x: Tensor, *, ax: plt.Axes, colour: str = BLUE, label: str | None = None,
           size: float = 3) -> None:
    """Points of the plane, (n, 2), on equal axes."""
    ax.scatter(*x.detach().cpu().T, s=size, color=colour, alpha=0.5, linewidths=0, label=label)
    ax.set_aspect("equal")


def trajectory(path: Tensor, *, ax: plt.Axes | None = None) -> Figure:
    """Paths of points through time, (steps, n, 2): hollow at their start, filled at their end."""
    ax = ax or plt.subplots(figsize=(4, 4))[1]
    path = path.detach().cpu()
    ax.plot(path[..., 0], path[..., 1], color=BLUE, alpha=0.3, linewidth=0.8)
    ax.scatter(*path[0].T, s=12, facecolors="none", edgecolors=ORANGE, label="start", zorder=3)
    ax.scatter(*path[-1].T, s=8, color=BLUE, label="end", zorder=3)
    ax.set_aspect("equal")
    ax.legend()
    return ax.figure


def labels(ax: plt.Axes, places: dict[str, tuple[float, float]], size: float = 8) -> None:
    """Each name beside its point, on the side where it covers least of names and points."""
    ax.figure.canvas.draw()
    dots = [ax.transData.transform(place) for place in places.values()]
    legend = ax.get_legend()
    taken = [text.get_window_extent() for text in ax.texts]
    taken += [legend.get_window_extent()] if legend else []
    sides = [(8, 0, "left", "center"), (-8, 0, "right", "center"), (0, 7, "center", "bottom"),
             (0, -7, "center", "top"), (6, 7, "left", "bottom"), (6, -7, "left", "top"),
             (-6, 7, "right", "bottom"), (-6, -7, "right", "top")]
    for name, place in places.items():
        tried = []
        for x, y, ha, va in sides:
            text = ax.annotate(name, place, (x, y), textcoords="offset points", ha=ha, va=va,
                               fontsize=size)
            box = text.get_window_extent()
            inside = ax.bbox.x0 <= box.x0 and box.x1 <= ax.figure.bbox.x1
            hits = sum(box.overlaps(other) for other in taken) + 9 * (not inside)
            tried.append((hits + sum(box.padded(3).contains(*dot) for dot in dots), text, box))
        best = min(tried, key=lambda one: one[0])
        for one in tried:
            if one is not best:
                one[1].remove()
        taken.append(best[2])


def source(function, equation: str) -> HTML:
    """The equation (LaTeX) with its citation, and the source that runs, without its docstring: side
    by side where the page is wide enough."""
    text = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(text).body[0]
    lines = text.split("\n")
    docstring = ast.get_docstring(node) or ""
    if docstring:
        del lines[node.body[0].lineno - 1:node.body[0].end_lineno]
    code = highlight("\n".join(lines), PythonLexer(), HtmlFormatter(noclasses=True, nowrap=True))
    cited = html.escape(docstring.split("\n")[0].split("    ")[-1], quote=False)
    formula, colours = html.escape(equation, quote=False), "color: #000; background: #fff"
    part = f"display: inline-block; vertical-align: middle; padding: 0.5em 1em; {colours}"
    return HTML(f'<div style="display: inline-block; border: 1px solid #999; {colours}">'
                f'<div style="{part}">$\\displaystyle {formula}$<br><small>{cited}</small></div>'
                f'<div style="{part}"><pre style="{colours}; white-space: pre">{code}</pre></div>'
                f'</div>')
