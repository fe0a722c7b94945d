import importlib.util
import json
import os
import platform
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


def script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


install = script("install")
CPU = ["--index-url", install.CPU_INDEX]


@pytest.mark.parametrize("system, config, environment, nvidia, expected", [
    ("Linux", "", {}, False, CPU),
    ("Linux", "global.timeout='60'\n:env:.disable-pip-version-check='1'", {}, False, CPU),
    ("Linux", "", {"PIP_CERT": "/x", "PIP_INDEX_URL": ""}, False, CPU),
    ("Linux", "", {}, True, []),                                             # CUDA is wanted there
    ("Darwin", "", {}, False, []), ("Windows", "", {}, False, []),     # plain wheels are CPU wheels
    ("Linux", "global.index-url='https://mirror.example/simple'", {}, False, []),
    ("Linux", "install.find-links='/opt/wheels'", {}, False, []),
    ("Linux", ":env:.extra-index-url='https://x.example'", {}, False, []),
    ("Linux", "global.no-index='true'", {}, False, []),
    ("Linux", "", {"PIP_FIND_LINKS": "/opt/wheels"}, False, []),
    ("Linux", "", {"PIP_NO_INDEX": "1"}, False, []),
])
def test_where_torch_comes_from(system, config, environment, nvidia, expected):
    assert install.torch_source(system, config, environment, nvidia) == expected


def test_torch_is_pinned_exactly():
    assert install.pin("torch", (ROOT / "constraints.txt").read_text()) == "torch==2.13.0"
    with pytest.raises(ValueError, match="does not pin"):
        install.pin("torch", "numpy==2\n")


def test_the_fingerprint_follows_what_must_be_installed(tmp_path):
    for name in ("constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_text("a")
    first = install.fingerprint(tmp_path)
    assert first == install.fingerprint(tmp_path)
    (tmp_path / "constraints.txt").write_text("b")
    assert first != install.fingerprint(tmp_path)


def test_what_is_installed_asks_nobody_about_news(tmp_path, monkeypatch):
    run = lambda *command, **how: subprocess.CompletedProcess(command, 0, stdout="")
    monkeypatch.setattr(install.subprocess, "run", run)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["install.py"])
    install.main()
    settings = tmp_path / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    assert json.loads(settings.read_text()) == install.SETTINGS
    assert (tmp_path / ".course-installed").read_text() == install.fingerprint()


def test_a_python_that_is_too_old_is_refused_in_one_sentence():
    code = (f"import sys; sys.version_info = (3, 9, 1); sys.argv = ['install']\n"
            f"__file__ = {str(ROOT / 'scripts' / 'install.py')!r}\nexec(open(__file__).read())")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1 and "needs Python 3.11" in done.stderr
    assert "Traceback" not in done.stderr


def pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    return {line.split("==")[0].lower().replace("_", "-") for line in pins}


def test_the_files_that_name_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [*project["dependencies"], *(package for extra in extras for package in extra)]
    assert {name.split(";")[0].lower().replace("_", "-") for name in wanted} <= pinned()
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert f"python {project['requires-python']}" in conda
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    assert pip[0] == "-c constraints.txt" and any(line.startswith("-e .[lab,test]") for line in pip)
    versions = sys.version_info[:2]
    assert (3, 11) <= versions <= (3, 13)


OTHER = """#!/bin/sh
if [ "$1" = -c ]; then echo "3.13.99 (another)"; fi
if [ "$1" = -m ]; then echo "$*" >> "$MADE"; fi
"""


@pytest.mark.parametrize("makefile", [(ROOT / "Makefile").read_text(), script("bundle").MAKEFILE],
                         ids=["course", "bundle"])
def test_make_makes_the_environment_anew_where_it_must_and_says_why(makefile, tmp_path):
    course, programs, made = (tmp_path / name for name in ("course", "programs", "made"))
    (course / "scripts").mkdir(parents=True)
    (course / "scripts" / "install.py").write_bytes(Path(install.__file__).read_bytes())
    (course / "Makefile").write_text(makefile)
    venv.EnvBuilder(symlinks=True).create(course / ".venv")
    programs.mkdir()
    for name in ("python3", "another"):
        (programs / name).write_text(OTHER)
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHON"}

    def make(*words):
        made.unlink(missing_ok=True)
        done = subprocess.run(["make", "venv", *words], cwd=course, capture_output=True, text=True,
                              env={**inherited, "PATH": path, "MADE": str(made)})
        return done.returncode, made.exists(), done.stderr

    assert make() == (0, False, "")                       # python3 is another, and nobody asked
    assert make(f"PYTHON={sys.executable}") == (0, False, "")
    number = platform.python_version()
    code, again, said = make("PYTHON=another")
    assert code == 0 and again and made.read_text() == "-m venv --clear .venv\n"
    assert f".venv is made anew: it has Python {number}, and another is 3.13.99.\n" in said
    code, again, said = make("PYTHON=python0")
    assert code and not again and "python0" in said and "anew" not in said
    course = course.rename(tmp_path / "moved")
    code, again, said = make()
    assert again and f"anew: it was made in {tmp_path / 'course' / '.venv'}.\n" in said
    config = course / ".venv" / "pyvenv.cfg"
    config.write_text("version = 3.1.4\n")                # an upgrade put a newer Python there
    code, again, said = make()
    assert again and f"it was made with Python 3.1.4, and that is {number} now.\n" in said
    config.write_text(f"version = {number}\n")
    assert make() == (0, False, "")
    (course / ".venv" / "bin" / "python").unlink()
    (course / ".venv" / "bin" / "python").symlink_to(tmp_path / "removed")
    assert make()[:2] == (0, True)
