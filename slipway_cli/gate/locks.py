"""Locks all direct and transitive Python dependencies to the hashes of their files: `make lock`.

A requirements file lists direct dependencies with reasons, its lock what pip installs. pip rejects other hashes.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from paths import ROOT

NAMES = ("requirements", "requirements-dev", "requirements-policy", "requirements-review")
OLDEST_PYTHON = "3.11"
_PIN = r"^([A-Za-z0-9._-]+)==([^\s;#]+)"
_HASHES = r"(?: ;[^\\\n]*)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"


def sources(name: str, root: Path = ROOT) -> list[Path]:
    """Returns a requirements file and the files that it includes."""
    path = root / f"{name}.txt"
    included = re.findall(r"^-r (\S+)\.txt$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [path, *(source for other in included for source in sources(other, root))]


def wanted(name: str, root: Path = ROOT) -> dict[str, str]:
    """Returns the versions that a requirements file and its included files require."""
    return {
        _normalized(package): version
        for path in sources(name, root)
        for package, version in re.findall(_PIN, path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def locked(name: str, root: Path = ROOT) -> dict[str, str]:
    """Returns the versions in a lock that have hashes."""
    text = (root / f"{name}.lock").read_text(encoding="utf-8")
    return {_normalized(package): version for package, version in re.findall(_PIN + _HASHES, text, re.MULTILINE)}


def stamp(name: str, root: Path = ROOT) -> str:
    """Returns the first line of a lock, with a hash of its requirements."""
    pins = "\n".join(f"{package}=={version}" for package, version in sorted(wanted(name, root).items()))
    return f"# Written by `make lock` from {name}.txt: {hashlib.sha256(pins.encode()).hexdigest()[:16]}"


def stale(root: Path = ROOT) -> Iterator[str]:
    """Yields the problems of the locks, as sentences."""
    for name in NAMES:
        text = (root / f"{name}.lock").read_text(encoding="utf-8")
        if text.partition("\n")[0] != stamp(name, root):
            yield f"{name}.lock is out of date with {name}.txt: type `make lock`"
        given = locked(name, root)
        for package, version in wanted(name, root).items():
            if given.get(package) != version:
                yield f"{name}.lock has {package} {given.get(package, 'missing')}, {name}.txt {version}: `make lock`"
        for package in sorted({_normalized(pin[0]) for pin in re.findall(_PIN, text, re.MULTILINE)} - given.keys()):
            yield f"{name}.lock: {package} has no hash: type `make lock`"


def write(name: str) -> None:
    """Resolves a requirements file for all platforms and Python versions, and writes its lock."""
    uv = str(Path(sys.executable).parent / "uv")
    options = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate"]
    program = [uv, "pip", "compile", "--quiet", *options, f"{name}.txt"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"make lock: {done.stderr}")
    (ROOT / f"{name}.lock").write_text(f"{stamp(name)}\n{done.stdout}", encoding="utf-8")


def _normalized(package: str) -> str:
    """Returns the normalized name of a package."""
    return re.sub(r"[-_.]+", "-", package).lower()


if __name__ == "__main__":
    for name in NAMES:
        write(name)
