"""What the documents say of the course's own files is what these files say."""
import importlib.util
import json
import re

import pytest
from exercise import ROOT

spec = importlib.util.spec_from_file_location("docs", ROOT / "scripts" / "docs.py")
docs = importlib.util.module_from_spec(spec)
spec.loader.exec_module(docs)


@pytest.mark.parametrize("path", docs.documents(), ids=lambda path: path.stem)
def test_documents_are_current(path):
    assert path.read_text(encoding="utf-8") == docs.documents()[path], "run `make docs`"


def test_each_result_belongs_to_one_benchmark_and_is_shown():
    written = [name for script in ROOT.glob("benchmarks/*.py") for name in docs.tables(script)]
    assert sorted(written) == sorted(path.stem for path in ROOT.glob("benchmarks/results/*.csv"))


def test_a_table_shows_mean_and_spread_of_runs_that_agree(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    rows = ["steps,seed,fid,note,machine,threads,torch,date"]
    runs = ((20, 0, 3.0, "a"), (5, 0, 1.0, "b"), (5, 1, 2.0, "b"), (5, 2, 6.0, "c"))
    rows += [",".join(map(str, (*run, "m,1,2,2026-01-01"))) for run in runs]
    (tmp_path / "x.csv").write_text("\n".join(rows))
    shown = docs.table(tmp_path / "x.csv", ["steps"]).splitlines()
    assert shown[2:] == ["| steps | runs | fid | note |", "| --- | --- | --- | --- |",
                         "| 5 | 3 | 3 (1 … 6) | b, c |", "| 20 | 1 | 3 | a |",
                         "", "*m, threads: 1, torch 2, 2026-01-01*"]


def test_an_exercise_stands_beside_the_last_lecture_of_its_unit(tmp_path, monkeypatch):
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    lecture = "# 1a · A game\n\n*About 45 minutes to read, a minute to run.*"
    for path, head in (("lectures/01a_game.ipynb", lecture), ("lectures/01b_play.ipynb", lecture),
                       ("exercises/ex01_game/ex01_game.ipynb", "**35 points, about 3 hours.**")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps({"cells": [{"source": [head]}]}))
    first, second = docs.syllabus().splitlines()[2:]
    assert first == "| [`01a_game`](lectures/01a_game.ipynb): A game | 45 min, a minute | – | – |"
    assert second.endswith("| [`ex01_game`](exercises/ex01_game) | 3 hours, 35 points |")


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 90
    for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]:
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
        assert not [link for link in links if not (path.parent / link).exists()], path
