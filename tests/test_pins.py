"""The pins of constraints.txt go together on every Python and system that the course names."""
import importlib.metadata
import os
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("lab", "test")
FOR_TORCH = ("cuda-", "nvidia-", "triton")     # what its Linux build from PyPI brings
FIRST = ["3.11.0", "3.12.0", "3.13.0"]
by_python = pytest.mark.parametrize("python", [*FIRST, "3.11.2"])      # that is Debian 12's
by_system = pytest.mark.parametrize("system", ["Linux", "Darwin", "Windows"])
by_platform = pytest.mark.parametrize("platform", [
    "x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc"])


@cache
def pins() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(pin.name): pin for pin in found}


@cache
def distribution(name: str) -> importlib.metadata.Distribution:
    """What lies here, which must be what is pinned."""
    found, (only,) = importlib.metadata.distribution(name), pins()[name].specifier
    assert Version(found.version).public == only.version, f"{name} is not the one pinned: run make"
    return found


def environment(python: str, system: str) -> dict[str, str]:
    return {**default_environment(), "python_full_version": python, "python_version": python[:4],
            "platform_system": system, "os_name": "nt" if system == "Windows" else "posix",
            "sys_platform": {"Windows": "win32"}.get(system, system.lower())}


def holds(requirement: Requirement, where: dict[str, str], extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**where, "extra": e}) for e in extras | {""})


@by_python
@by_system
def test_whatever_a_pin_needs_is_pinned_and_may_be_installed(python, system):
    where, project = environment(python, system), tomllib.loads(
        (ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], "setuptools", "wheel"]
    wanted += [line for extra in EXTRAS for line in project["optional-dependencies"][extra]]
    todo, seen = [Requirement(line) for line in wanted], set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in seen or not holds(requirement, where, set()):
            continue
        seen.add((name, *requirement.extras))
        pin = pins().get(name)
        assert pin and holds(pin, where, set()), f"{name} is not pinned for {system}"
        (only,) = pin.specifier
        assert requirement.specifier.contains(only.version, prereleases=True), str(requirement)
        if not holds(pin, default_environment(), set()):
            continue                                     # of another system: nothing lies here
        there = distribution(name)
        assert python in SpecifierSet(there.metadata["Requires-Python"] or ""), name
        for needed in map(Requirement, there.requires or []):
            brought = name == "torch" and needed.name.startswith(FOR_TORCH)
            if holds(needed, where, set(requirement.extras)) and not brought:
                needed.marker = None
                todo.append(needed)
    assert len(seen) > 100


@pytest.mark.slow
@pytest.mark.parametrize("python", FIRST)
@by_platform
def test_a_resolver_finds_a_wheel_of_every_pin(python, platform):
    """Asks the package index. PyTorch has no wheel for a Mac before macOS 14 or with Intel."""
    command = ["uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary",
               ":all:", "--python-version", python, "--python-platform", platform, "-c",
               "constraints.txt", "pyproject.toml", *(f"--extra={extra}" for extra in EXTRAS)]
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0"})
    assert done.returncode == 0, done.stderr
    found = {canonicalize_name(line.split("==")[0]) for line in done.stdout.splitlines()}
    assert "torch" in found and len(found) > 100
    assert not [name for name in found - {*pins()} if not name.startswith(FOR_TORCH)]
