"""Locks every Python dependency, theirs included, to the hashes of its files: `make lock`.

A requirements file says what we want and why, its lock what is installed: pip refuses a file with another hash.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from paths import ROOT

NAMES = ("requirements", "requirements-dev", "requirements-policy")
OLDEST_PYTHON = "3.11"
_PIN = r"^([A-Za-z0-9._-]+)==([^\s;#]+)"
_HASHES = r"(?: ;[^\\\n]*)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"


def sources(name: str, root: Path = ROOT) -> list[Path]:
    """A requirements file and those that it reads."""
    path = root / f"{name}.txt"
    included = re.findall(r"^-r (\S+)\.txt$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return [path, *(each for other in included for each in sources(other, root))]


def wanted(name: str, root: Path = ROOT) -> dict[str, str]:
    """The versions that a requirements file, and those that it reads, ask for."""
    return {
        _plain(package): version
        for path in sources(name, root)
        for package, version in re.findall(_PIN, path.read_text(encoding="utf-8"), re.MULTILINE)
    }


def locked(name: str, root: Path = ROOT) -> dict[str, str]:
    """The versions that a lock installs, each with its hashes."""
    text = (root / f"{name}.lock").read_text(encoding="utf-8")
    return {_plain(package): version for package, version in re.findall(_PIN + _HASHES, text, re.MULTILINE)}


def stamp(name: str, root: Path = ROOT) -> str:
    """The first line of a lock: of which requirements it was made."""
    pins = "\n".join(f"{package}=={version}" for package, version in sorted(wanted(name, root).items()))
    return f"# Written by `make lock` from {name}.txt: {hashlib.sha256(pins.encode()).hexdigest()[:16]}"


def stale(root: Path = ROOT) -> Iterator[str]:
    """What is wrong with the locks, in sentences."""
    for name in NAMES:
        text = (root / f"{name}.lock").read_text(encoding="utf-8")
        if text.partition("\n")[0] != stamp(name, root):
            yield f"{name}.lock is not of {name}.txt any more: type `make lock`"
        given = locked(name, root)
        for package, version in wanted(name, root).items():
            if given.get(package) != version:
                yield f"{name}.lock has {package} {given.get(package, 'not at all')}, {name}.txt {version}: `make lock`"
        for package in sorted({_plain(it[0]) for it in re.findall(_PIN, text, re.MULTILINE)} - given.keys()):
            yield f"{name}.lock: {package} has no hash: type `make lock`"


def write(name: str) -> None:
    """Resolve a requirements file for every platform and Python, and write its lock."""
    uv = str(Path(sys.executable).parent / "uv")
    words = ["--universal", "--python-version", OLDEST_PYTHON, "--generate-hashes", "--no-header", "--no-annotate"]
    program = [uv, "pip", "compile", "--quiet", *words, f"{name}.txt"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"make lock: {done.stderr}")
    (ROOT / f"{name}.lock").write_text(f"{stamp(name)}\n{done.stdout}", encoding="utf-8")


def _plain(package: str) -> str:
    """As the index compares names."""
    return re.sub(r"[-_.]+", "-", package).lower()


if __name__ == "__main__":
    for each in NAMES:
        write(each)
