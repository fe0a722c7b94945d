import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)
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
