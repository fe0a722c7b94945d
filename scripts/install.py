"""Sets up the course in the environment of the Python that runs this file; called by the Makefile.

    python scripts/install.py --check            says so if this Python cannot have the course
    python scripts/install.py --fits [PYTHON]    says so if this environment must be made anew
    python scripts/install.py                    installs what is pinned, if it is not there yet

torch comes first and at the exact version of constraints.txt. On Linux the plain package drags in
gigabytes of CUDA libraries; `torch_source` decides when to avoid that.
"""
from __future__ import annotations  # so that a Python that is too old gets to the sentence about it

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OWN_SOURCES = ("index-url", "extra-index-url", "find-links", "no-index")
SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false",
                                                            "checkForUpdates": False}}


def torch_source(system: str, pip_config: str, environment: dict[str, str],
                 has_nvidia: bool) -> list[str]:
    """The pip arguments that say where torch comes from: PyTorch's CPU index, or none, which leaves
    it to pip.

    The CPU index is taken on Linux only, where no NVIDIA driver is, and where pip has no index or
    find-links of its own: whoever configured one (a mirror, a folder of wheels) has decided
    already. `pip_config` is what `pip config list` prints.
    """
    settings = [line.split("=")[0].rpartition(".")[2] for line in pip_config.splitlines()]
    variables = ["PIP_" + name.upper().replace("-", "_") for name in OWN_SOURCES]
    configured = bool({*settings} & {*OWN_SOURCES}) or any(map(environment.get, variables))
    if system == "Linux" and not configured and not has_nvidia:
        return ["--index-url", CPU_INDEX]
    return []


def has_nvidia() -> bool:
    """Whether this machine has an NVIDIA driver."""
    return bool(shutil.which("nvidia-smi")) or Path("/proc/driver/nvidia").exists()


def fingerprint(root: Path = ROOT) -> str:
    """Changes when what must be installed changes: the files that say so, the Python, the place."""
    parts = [(root / name).read_bytes() for name in ("constraints.txt", "pyproject.toml")]
    parts += [sys.version.encode(), str(root).encode(), json.dumps(SETTINGS).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def pin(package: str, constraints: str) -> str:
    """The line `package==version` of a constraints file. Errors: ValueError where there is none."""
    for line in constraints.splitlines():
        if line.split("==")[0].strip().lower() == package:
            return line.split(";")[0].strip()
    raise ValueError(f"constraints.txt does not pin {package}.")


def misfit(venv: Path, asked: str = "") -> str:
    """Why the environment in `venv`, whose Python runs this, must be made anew; "" if it need not.

    asked: a Python, as `make PYTHON=` names it; "" keeps whatever Python made the environment.
    """
    is_now, config = platform.python_version(), venv / "pyvenv.cfg"
    lines = config.read_text(encoding="utf-8").splitlines() if config.is_file() else []
    made = {key: value for key, _, value in (line.partition(" = ") for line in lines)}
    was = made.get("version", is_now)
    place = re.search(r"-m venv (?:--\S+ )*(/.*)", made.get("command", ""))
    if was.split(".")[:2] != is_now.split(".")[:2]:
        return f"it was made with Python {was}, and that is {is_now} now"
    if place and Path(place[1]).resolve() != venv.resolve():   # its programs begin with that path
        return f"it was made in {place[1]}"
    if asked:
        tell = [asked, "-c", "import sys; print(sys.version)"]
        theirs = subprocess.run(tell, capture_output=True, text=True, check=True).stdout.strip()
        if theirs != sys.version:
            return f"it has Python {is_now}, and {asked} is {theirs.split()[0]}"
    return ""


def write_settings(prefix: Path) -> None:
    """Into the environment in `prefix`: its JupyterLab asks nobody whether to fetch news."""
    folder = prefix / "etc" / "jupyter" / "labconfig"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "default_setting_overrides.json").write_text(json.dumps(SETTINGS))


def main() -> None:
    if "--fits" in sys.argv[1:]:
        why = misfit(Path(sys.prefix), *sys.argv[2:3])
        sys.exit(f"{Path(sys.prefix).name} is made anew: {why}." if why else 0)
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit("The course needs Python 3.11, 3.12 or 3.13, and this is "
                 f"{platform.python_version()}: try `make PYTHON=python3.12`.")
    if "--check" in sys.argv[1:]:
        return
    stamp = Path(sys.prefix) / ".course-installed"
    if stamp.is_file() and stamp.read_text() == fingerprint():
        return
    stamp.unlink(missing_ok=True)  # an installation that is cut short must not look finished
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    config = subprocess.run([*pip, "config", "list"], capture_output=True, text=True).stdout
    source = torch_source(platform.system(), config, dict(os.environ), has_nvidia())
    constraints = ROOT / "constraints.txt"
    steps = ([pin("torch", constraints.read_text()), *source],
             ["-c", str(constraints), "setuptools", "wheel"],
             ["-c", str(constraints), "--no-build-isolation", "-e", f"{ROOT}[lab,test]"])
    for step in steps:
        print("installing", *step, flush=True)
        if subprocess.run([*pip, "install", "--quiet", *step]).returncode:
            sys.exit("The installation stopped; what pip says stands above. Run the same command "
                     "again once that is mended.")
    write_settings(Path(sys.prefix))
    stamp.write_text(fingerprint())


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")       # no name stops a terminal
    main()
