"""The trade-off table: each system of digits that is here, trained for the same CPU seconds.

    make tradeoffs [SECONDS=90] [ROWS="DCGAN,Denoising Diffusion"] [SEEDS="0 1 2"]

Two processes, of one thread each, share the runs; each is written as soon as it is done, so that an
interrupted command goes on where it stopped (--again: begins anew). docs/tradeoffs.md says what
the figures are; course_lib/recipes/tradeoffs.py takes them.
tradeoffs: a run of a row. density: what bits (a dimension, of held-out digits; error: of this mean,
one standard deviation) are of.
tradeoffs_cost: CPU seconds an image of a step of training, and of sampling, by pixels in a row.
tradeoffs_bar: FID of n samples of the Gaussian mixture of bars.py.
"""
import argparse
import csv
import fcntl
import os
import re
import subprocess
import sys
import time
import traceback
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import common
import numpy as np
import torch

from course_lib import core
from course_lib.data import digits
from course_lib.data.survey import FAMILIES, SURVEY
from course_lib.evaluate import BARS, fid
from course_lib.recipes.tradeoffs import BAR, ROWS, SIZES, cost, measure, slope

TABLES = {"tradeoffs": ["row", "budget"], "tradeoffs_cost": ["row", "size"],
          "tradeoffs_bar": ["n"]}
DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKS = "abcdefgh"                                      # of notes
SHOWN = 40                                              # samples of seed 0 that are kept


class Job(NamedTuple):
    part: str                                           # run, cost or bar
    row: str
    number: int                                         # a seed, a size


def jobs(rows: list[str], seeds: list[int]) -> list[Job]:
    """In the order in which they are done: one seed of all rows first"""
    first, *more = seeds
    return [*(Job("bar", "", seed) for seed in range(3)),
            *(Job("run", row, first) for row in rows),
            *(Job("cost", row, size) for row in rows for size in SIZES),
            *(Job("run", row, seed) for seed in more for row in rows)]


def read(name: str) -> list[dict]:
    path = common.RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def done(job: Job, seconds: float) -> bool:
    if job.part == "run":
        key = (job.row, str(job.number), f"{seconds:g}")
        return any((r["row"], r["seed"], r["budget"]) == key for r in read("tradeoffs"))
    if job.part == "cost":
        return any((r["row"], r["size"]) == (job.row, str(job.number))
                   for r in read("tradeoffs_cost"))
    return any(r["seed"] == str(job.number) for r in read("tradeoffs_bar"))


@contextmanager
def locked(name: str, wait: bool = True):
    """Whether it is this process that has the lock, which dies with it."""
    folder = common.RESULTS / ".locks"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / re.sub(r"\W+", "_", name), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def write(name: str, row: dict, keys: tuple[str, ...]) -> None:
    with locked("tradeoffs"):
        common.write(name, [row], keys)


def mixture(seed: int, n: int = 1000) -> dict:
    """FID of n samples of the Gaussian mixture of bars.py: the mean of five times n"""
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture
    torch.manual_seed(seed)
    half = digits().images[torch.randperm(10_000)[:5000]].flatten(1)
    pca = PCA(50, random_state=seed).fit(half)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")                 # its budget stops it, not convergence
        fitted = GaussianMixture(50, reg_covar=1e-3, max_iter=20, init_params="kmeans",
                                 random_state=seed).fit(pca.transform(half))
    x = torch.tensor(pca.inverse_transform(fitted.sample(5 * n)[0])).float().view(-1, 1, 28, 28)
    parts = x[torch.randperm(len(x))].split(n)          # they come component by component
    return {"n": n, "seed": seed, "fid": sum(map(fid, parts)) / len(parts)}


def do(job: Job, seconds: float) -> None:
    if job.part == "bar":
        write("tradeoffs_bar", mixture(job.number), ("n", "seed"))
    elif job.part == "cost":
        write("tradeoffs_cost", cost(ROWS[job.row], job.number), ("row", "size"))
    else:
        figures, x = measure(ROWS[job.row], seed=job.number, seconds=seconds)
        figures["budget"] = f"{seconds:g}"
        if job.number == 0 and x is not None:
            keep(job.row, x[:SHOWN])
        write("tradeoffs", figures, ("row", "seed", "budget"))


def keep(row: str, x: torch.Tensor) -> None:
    """Samples as uint8, (n, 28, 28), under the row's name in results/tradeoffs.npz"""
    path = common.RESULTS / "tradeoffs.npz"
    with locked("tradeoffs"):
        known = dict(np.load(path)) if path.exists() else {}
        known[row] = ((x[:, 0].clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
        np.savez_compressed(path.with_suffix(".new.npz"), **known)
        os.replace(path.with_suffix(".new.npz"), path)


def work(rows: list[str], seeds: list[int], seconds: float) -> list[Job]:
    """Does what no other process does and is not done yet. Returns what failed."""
    failed = []
    for job in jobs(rows, seeds):
        with locked("-".join(map(str, job)), wait=False) as mine:
            if not mine or done(job, seconds):
                continue
            start = core.clock()
            try:
                do(job, seconds)
            except Exception:
                traceback.print_exc()
                failed.append(job)
            print(*job, f"{core.clock() - start:.0f} s", flush=True)
    return failed


def spread(values: list[float]) -> str:
    """Mean (least … greatest), in three digits"""
    digits3 = lambda x: f"{x:,.0f}" if abs(x) >= 100 else f"{x:.3g}"
    mean = digits3(sum(values) / len(values))
    least, most = digits3(min(values)), digits3(max(values))
    return mean if least == most else f"{mean} ({least} … {most})"


def figures(runs: list[dict], name: str) -> list[float]:
    return [float(run[name]) for run in runs if run[name] and run[name][0] in "-0123456789"]


def cell(runs: list[dict], name: str) -> str:
    """A figure of several runs, and of how many of them where it is not all"""
    values = figures(runs, name)
    if not values:
        return next((run[name] for run in runs if run[name]), "—")
    part = "" if len(values) == len(runs) else f", {len(values)} of {len(runs)} runs"
    return spread(values) + part


def bits(runs: list[dict]) -> str:
    values = figures(runs, "bits")
    sign = {"≤": "≤ ", "estimate": "≈ "}.get(runs[0]["density"], "")
    return f"{sign}{spread(values)} ± {max(figures(runs, 'error')):.1g}" if values else "—"


def growth(costs: list[dict], name: str) -> str:
    """The slope of log seconds on log pixels"""
    known = [(int(c["size"]), float(c[name])) for c in costs if c[name]]
    return f"{slope(*zip(*known)):.2f}" if len(known) == len(SIZES) else "—"


def ours(name: str, runs: list[dict], costs: list[dict]) -> list[str]:
    """The cells of a row that is here"""
    if not runs:
        return ["not measured yet", *["—"] * 9]
    tick = "✓" if ROWS[name].free_form else "✗"
    failed = [run for run in runs if run["failed"]]
    fid = cell(runs, "fid")
    if failed:
        fid = f"{fid}; {len(failed)} of {len(runs)} collapsed: {failed[0]['failed']}"
    return [cell(runs, "seconds_to_bar"), cell(runs, "seconds_per_1000"),
            f"{int(runs[0]['parameters']):,}",
            f"{growth(costs, 'training')}, {growth(costs, 'sampling')}", tick,
            runs[0]["density"], fid, cell(runs, "precision"), cell(runs, "recall"), bits(runs)]


COLUMNS = ("system", "seconds to the bar", "seconds for 1,000 samples", "parameters",
           "cost ∝ pixelsˢ: s of training, sampling", "free-form Jacobian", "density", "FID",
           "precision", "recall", "bits/dim", "survey: FID", "NLL", "Jacobian", "density")
BELOW = """\
**Ours.** MNIST's 10,000 training digits of this course, 28×28, one network and one recipe a row
(`course_lib/recipes`), tuned for this budget; each run trains for {seconds} CPU seconds on one
thread. A cell is the mean over the seeds, with the least and the greatest in brackets. BigGAN alone
is told classes, which are drawn at random for samples.

* *Seconds to the bar*: of training, until 1,000 samples have an FID below {bar:.0f}, that of 1,000
  samples of a Gaussian mixture, and stay below it. Looked at after about 2, 4, 8, 15, 25, 40, 60
  and 90 of 90 seconds of a run whose rate falls over the whole of it (by bisection where sampling
  is slow). Equal budgets make plain training time say nothing.
* *Seconds for 1,000 samples*: CPU seconds, in batches of 500, by each recipe's own sampler
  (Denoising Diffusion: 50 of its 1,000 steps; IGEBM: 400 steps from noise).
* *Cost ∝ pixelsˢ*: least squares of log seconds on log pixels, at 16, 28 and 56 pixels in a row
  (digits resized by area): a step of training, a sample. 1 is as many times dearer as there are
  pixels. The seconds are in [measurements](measurements.md).
* *Free-form Jacobian*: whether the network may be any (✓), or must have a form whose Jacobian, or
  whose order of pixels, can be dealt with (✗). A row says so itself.
* *Density*: "exact" where the model has log_prob, "≤" where its elbo bounds it, "estimate" where a
  trace or an integral is estimated, "—" where there is none. Its method's name decides.
* *FID, precision, recall*: of 5,000 samples, on the course's own features of digits. Bars beside
  it: {bars}. No FID of a paper compares with these.
* *Bits/dim*: of 8-bit held-out digits, in nats of [0, 256)^784 over 784 log 2; ≤ a bound on it, ≈
  an estimate; ± one standard deviation of the mean over these digits (1,000, or fewer:
  {fewer}).
{remarks}

**The survey's** columns are those of Bond-Taylor et al. 2021, Table 1, on CIFAR-10, as printed; it
collects them from papers, of much larger networks. Its stars for the speed of training and of
sampling, for parameters and for resolution are left out, as we could not look them up in the survey
itself. It has the diffusion models under energy-based models; the scores they learn need not be
the gradient of an energy. LAPGAN and NCSN are not in it.

{notes}
"""


def document(seconds: float) -> str:
    """docs/tradeoffs.md, from benchmarks/results"""
    runs = [run for run in read("tradeoffs") if run["budget"] == f"{seconds:g}"]
    costs, line = read("tradeoffs_cost"), lambda cells: f"| {' | '.join(cells)} |"
    of = lambda rows, name: [row for row in rows if row["row"] == name]
    survey = {row.name: row for row in SURVEY}
    notes = list(dict.fromkeys(row.note for row in SURVEY if row.note))
    lines = [line(COLUMNS), line(["---"] * len(COLUMNS))]
    for family, title in FAMILIES.items():
        lines.append(line([f"**{title}**", *[""] * (len(COLUMNS) - 1)]))
        members = (*SURVEY, *(row for row in ROWS.values() if row.name not in survey))
        for name in (row.name for row in members if row.family == family):
            here = ["not here yet", *["—"] * 9]
            if name in ROWS:
                here = ours(name, of(runs, name), of(costs, name))
            said, theirs = survey.get(name), ["not in it", "—", "—", "—"]
            if said:
                mark = f" <sup>{MARKS[notes.index(said.note)]}</sup>" if said.note else ""
                theirs = [said.fid + mark, said.nll, said.jacobian, said.density]
            lines.append(line([name, *here, *theirs]))
    where = sorted({f"{r['machine']}, {r['threads']} thread a run, torch {r['torch']}, {r['date']}"
                    for r in runs})
    seeds = sorted({run["seed"] for run in runs})
    fewer = ", ".join(f"{row.name} {row.held_out}" for row in ROWS.values()
                      if row.held_out < 1000 and row.name in {run["row"] for run in runs}) or "none"
    remarks = "".join(f"* *{row.name}*: {row.note}.\n" for row in ROWS.values() if row.note)
    bars = ", ".join(f"{name} {value:.0f}" for name, value in BARS.items())
    noted = "\n".join(f"<sup>{mark}</sup> {note}.  " for mark, note in zip(MARKS, notes))
    below = BELOW.format(seconds=f"{seconds:g}", bar=BAR, bars=bars, fewer=fewer, remarks=remarks,
                         notes=noted)
    return "\n".join([
        "# Trade-offs between generative models, measured", "",
        f"Made by `make tradeoffs SECONDS={seconds:g}` from `benchmarks/results/tradeoffs*.csv`.",
        f"Seeds {', '.join(seeds)}; {'; '.join(where)}.", "",
        f"![{alt(runs)}](images/tradeoffs.png)", "", *lines, "", below])


def points(runs: list[dict]) -> dict[str, tuple[list[float], list[float]]]:
    """Row -> seconds for 1,000 samples, and FIDs, of its runs"""
    good = [run for run in runs if run["fid"]]
    return {name: ([float(r["seconds_per_1000"]) for r in good if r["row"] == name],
                   [float(r["fid"]) for r in good if r["row"] == name])
            for name in ROWS if any(r["row"] == name for r in good)}


def alt(runs: list[dict]) -> str:
    """What the picture shows, for those who do not see it"""
    mean = lambda values: sum(values) / len(values)
    places = sorted((mean(fids), mean(seconds), name)
                    for name, (seconds, fids) in points(runs).items())
    return "FID against CPU seconds for 1,000 samples, best FID first: " + "; ".join(
        f"{name} {fid:.0f} in {seconds:.2g} s" for fid, seconds, name in places)


def picture(seconds: float) -> bytes:
    """Quality against the time to sample, a point a system"""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    from course_lib import show
    looks = {"gan": (show.BLUE, "o"), "ebm": (show.RED, "s"), "vae": (show.GREEN, "^"),
             "ar": (show.PURPLE, "D"), "flow": (show.ORANGE, "v")}
    runs = [run for run in read("tradeoffs") if run["budget"] == f"{seconds:g}"]
    fig, ax = plt.subplots(figsize=(8.5, 5.6))
    ax.set(xscale="log", yscale="log", xlabel="CPU seconds for 1,000 samples",
           ylabel="FID of 5,000 samples (less is better)",
           title=f"Every system trained for {seconds:g} CPU seconds on the same digits")
    at, seen = {}, set()
    for name, (times, fids) in points(runs).items():
        colour, marker = looks[ROWS[name].family]
        x, y = sum(times) / len(times), sum(fids) / len(fids)
        ax.errorbar(x, y, xerr=[[x - min(times)], [max(times) - x]],
                    yerr=[[y - min(fids)], [max(fids) - y]], color=colour, marker=marker,
                    markersize=8, capsize=3, linewidth=1.2, linestyle="none",
                    label=None if colour in seen else FAMILIES[ROWS[name].family])
        seen.add(colour)
        at[name] = (x, y)
    low, high = ax.get_xlim()
    ax.set_xlim(low / 1.5, high * 3)
    for name, value in BARS.items():
        if name != "noise":
            ax.axhline(value, color="#777", linewidth=1, linestyle="--", zorder=0)
            ax.annotate(name, (1, value), xycoords=("axes fraction", "data"), ha="right",
                        va="bottom", fontsize=9, color="#555")
    ax.set_ylim(1.3, max(400, ax.get_ylim()[1]))
    ax.legend(fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=3)
    label(ax, at)
    return show.png(fig)


def label(ax, at: dict[str, tuple[float, float]]) -> None:
    """Each name beside its point, where it covers no other name and no other point"""
    fig = ax.figure
    fig.canvas.draw()
    centres = [ax.transData.transform(place) for place in at.values()]
    taken = [ax.get_legend().get_window_extent(), *(
        text.get_window_extent() for text in ax.texts)]
    ways = [(9, 0, "left", "center"), (-9, 0, "right", "center"), (0, 9, "center", "bottom"),
            (0, -9, "center", "top"), (8, 8, "left", "bottom"), (8, -8, "left", "top"),
            (-8, 8, "right", "bottom"), (-8, -8, "right", "top"), (0, 20, "center", "bottom"),
            (0, -20, "center", "top")]
    for name, place in at.items():
        tried = []
        for x, y, ha, va in ways:
            text = ax.annotate(name, place, (x, y), textcoords="offset points", ha=ha, va=va,
                               fontsize=9)
            box = text.get_window_extent()
            hits = sum(box.overlaps(other) for other in taken)
            hits += sum(box.padded(5).contains(*centre) for centre in centres)
            inside = ax.bbox.contains(box.x0, box.y0) and ax.bbox.contains(box.x1, box.y1)
            tried.append((hits + 10 * (not inside), len(tried), text, box))
        best = min(tried, key=lambda one: one[:2])
        for one in tried:
            if one is not best:
                one[2].remove()
        taken.append(best[3])


def publish(seconds: float) -> None:
    """The document and its picture, of what there is"""
    (DOCS / "tradeoffs.md").write_text(document(seconds), encoding="utf-8")
    (DOCS / "images" / "tradeoffs.png").write_bytes(picture(seconds))


def forget(rows: list[str], seeds: list[int], seconds: float) -> None:
    """Leaves these runs, and these rows' costs, out of the results"""
    for name, keep_it in (
            ("tradeoffs", lambda r: not (r["row"] in rows and int(r["seed"]) in seeds
                                         and r["budget"] == f"{seconds:g}")),
            ("tradeoffs_cost", lambda r: r["row"] not in rows)):
        with locked("tradeoffs"):
            if known := read(name):
                with open(common.RESULTS / f"{name}.csv", "w", newline="") as file:
                    writer = csv.DictWriter(file, list(known[0]), lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(filter(keep_it, known))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=90.0, help="of training, CPU")
    parser.add_argument("--rows", default=",".join(ROWS), help="some of: %(default)s")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="also what is there already")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    rows = [name.strip() for name in asked.rows.split(",")]
    if unknown := set(rows) - set(ROWS):
        parser.error(f"there are no rows {sorted(unknown)}; there are {list(ROWS)}.")
    if asked.worker:
        torch.set_num_threads(1)
        core.clock = time.process_time                  # other programs don't count
        return len(work(rows, asked.seeds, asked.seconds))
    if asked.again:
        forget(rows, asked.seeds, asked.seconds)
    command = [sys.executable, __file__, "--worker", "--seconds", str(asked.seconds),
               "--rows", asked.rows, "--seeds", *map(str, asked.seeds)]
    quiet = os.environ | {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    workers = [subprocess.Popen(command, env=quiet) for _ in range(asked.processes)]
    try:
        failed = any([worker.wait() for worker in workers])
    finally:
        for worker in workers:
            worker.terminate()
        publish(asked.seconds)
    left = [job for job in jobs(rows, asked.seeds) if not done(job, asked.seconds)]
    for job in left:
        print("not done:", *job, file=sys.stderr)
    return int(failed or bool(left))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
