"""Decides how a Python project is installed: its installer and version, the folder, the image.

`python_packages.py <folder>` prints variables for the shell. The lock file decides, as at a developer's desk; it may be
in a folder above. Environment variables: INSTALL, a command instead of the installer's; REQUIREMENTS, files for pip,
instead of those found; PYTHON_IMAGE, in which `{version}` is replaced by the version that the project names; PURPOSE,
`tests` or `run`: which requirements files are looked for.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Set, Tuple

from checkout import asdf, assignments, fail, nearest, note, read, tables, upward

LOCKS = {"uv.lock": "uv", "poetry.lock": "poetry", "pdm.lock": "pdm", "Pipfile.lock": "pipenv"}
_BASES = (
    "requirements.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
)
_WORDS = ("dev", "local", "test", "tests", "testing", "development", "ci")
_TESTS = (
    *(
        name
        for word in _WORDS
        for name in (f"requirements-{word}.txt", f"requirements_{word}.txt", f"{word}-requirements.txt")
    ),
    *(f"requirements/{word}.txt" for word in _WORDS),
)
# Groups and extras whose names say that tests or linters are in them.
_GROUPS = {"dev", "local", "test", "tests", "testing", "development", "ci", "lint", "linting", "quality"}
# Python's releases with security updates, by preference: devguide.python.org/versions, 2026-11-30.
_DEFAULT = "3.13"
_MINORS = (13, 14, 12, 11, 10, 15)
_TOOL = {
    "uv": "uv sync --locked",
    "poetry": "poetry install --no-interaction --no-ansi",
    "pdm": "pdm sync --no-self --group :all",
    "pipenv": "pipenv install --deploy --dev",
}


@dataclass(frozen=True)
class Installer:
    """An installer, and where it finds its files."""

    name: str
    folder: Path
    version: str = ""
    """Empty: the newest."""
    command: str = ""
    files: Tuple[Path, ...] = ()
    """The files that say everything about the packages, if the install reads no others; empty if it may."""


def find(directory: str, install: str, requirements: str, purpose: str) -> Installer:
    """Returns the installer of a folder; ends the build if the files of the checkout do not say which one."""
    own = Path(os.path.normpath(directory))
    if install:
        first = install.split(maxsplit=1)[0]
        lock = next(
            (folder / name for folder in upward(directory) for name in LOCKS if (folder / name).is_file()), None
        )
        name = LOCKS[lock.name] if lock else first if first in _TOOL else "pip"
        return Installer(name, own, _version(name, lock.parent if lock else own), install)
    if requirements:
        for name in requirements.split():
            if not (own / name).is_file():
                fail(
                    f"no {own / name}. Set REQUIREMENTS to the files that list the product's packages and test tools, "
                    "or leave it out."
                )
        return _pip(own, requirements.split())
    for folder in upward(directory):
        locks = [name for name in LOCKS if (folder / name).is_file()]
        if len(locks) > 1:
            fail(
                f"{folder} has {' and '.join(locks)}. Delete the one that is not used, "
                "or set INSTALL to the command that installs."
            )
        if locks:
            return _locked(LOCKS[locks[0]], folder)
        found = chosen(folder, purpose)
        if found:
            return _pip(folder, found)
    _nothing(own)
    raise AssertionError  # _nothing ends the build


def _nothing(own: Path) -> None:
    if any((folder / "Pipfile").is_file() for folder in upward(str(own))):
        fail("Pipfile has no lock file. Type pipenv lock, and commit Pipfile.lock.")
    text = read(nearest(str(own), "pyproject.toml") or own / "pyproject.toml")
    if "project" in tables(text) or "tool.poetry" in tables(text):
        tool = "poetry" if "[tool.poetry" in text else "pdm" if "[tool.pdm" in text else "uv"
        fail(
            f"pyproject.toml has no lock file, so versions are not pinned. Type {tool} lock, and commit {tool}.lock; "
            'or set INSTALL to the command that installs: pip install ".[dev]".'
        )
    fail(
        f"{own} has no lock file of uv, poetry, pdm or pipenv and no requirements.txt. Set DIRECTORY to the project, "
        "REQUIREMENTS to its files, or INSTALL to the command that installs the packages and test tools."
    )


def chosen(folder: Path, purpose: str) -> List[str]:
    """Returns the requirements files of a folder: the base, and for tests also those of the tests."""
    base = [name for name in _BASES if (folder / name).is_file()][:1]
    tests = [name for name in _TESTS if (folder / name).is_file()][:1]
    if purpose == "run" and base == ["requirements.txt"]:
        return base
    if tests and base and folder / base[0] in closure(folder, tests)[0]:
        return tests
    return base + tests


def closure(folder: Path, names: List[str]) -> Tuple[Set[Path], bool]:
    """Returns requirements files with all that they include, and whether these files alone say what is installed."""
    found: Set[Path] = set()
    alone, waiting = True, [folder / name for name in names]
    while waiting:
        path = Path(os.path.normpath(waiting.pop()))
        if path in found:
            continue
        found.add(path)
        alone = alone and path.is_file() and ".." not in path.parts
        for line in (text.split(" #")[0].strip() for text in read(path).splitlines()):
            included = re.match(r"(?:-r|-c|--requirement|--constraint)[ =]*(\S+)", line)
            if included and "://" not in included[1]:
                waiting.append(path.parent / included[1])
            elif re.match(r"(-e|--editable|-f|--find-links|[./~]|file:)", line) or re.search(r"@ *file:|\$\{", line):
                alone = False
    return found, alone


def _pip(folder: Path, names: List[str]) -> Installer:
    files, alone = closure(folder, names)
    command = "python -m pip install --quiet --disable-pip-version-check " + " ".join(
        f"--requirement {name}" for name in names
    )
    return Installer(
        "pip", folder, "", command, tuple(sorted(files)) if alone and not os.environ.get("SECRETS") else ()
    )


def _locked(name: str, folder: Path) -> Installer:
    return Installer(name, folder, _version(name, folder), " ".join([_TOOL[name], *_options(name, folder)]))


def _options(name: str, folder: Path) -> List[str]:
    """Returns the options that add the groups and extras of tests, which some installers leave out."""
    project = tables(read(folder / "pyproject.toml"))
    extras = [f"--extra {extra}" for extra in project.get("project.optional-dependencies", {}) if extra in _GROUPS]
    if name == "uv":
        groups = [group for group in project.get("dependency-groups", {}) if group in _GROUPS and group != "dev"]
        return [f"--group {group}" for group in groups] + extras
    if name == "poetry":
        optional = [
            table.split(".")[3]
            for table, keys in project.items()
            if table.startswith("tool.poetry.group.") and keys.get("optional") == "true"
        ]
        with_ = [group for group in optional if group in _GROUPS]
        package = project.get("tool.poetry", {}).get("name") or project.get("project", {}).get("name", "")
        module = re.sub(r"[-.]", "_", package)
        is_package = "packages" in project.get("tool.poetry", {}) or any(
            (folder / path / module).is_dir() for path in ("", "src")
        )
        return [f"--with {','.join(with_)}"] * bool(with_) + extras + ["--no-root"] * (not is_package)
    return []


def _version(name: str, folder: Path) -> str:
    """Returns the version of the installer that the project pins, or that wrote the lock file."""
    if name == "poetry":
        wrote = re.search(r"@generated by Poetry (\d[\d.]*)", read(folder / "poetry.lock")[:200])
        return wrote[1] if wrote else ""
    if name == "uv":
        wanted = tables(read(folder / "pyproject.toml")).get("tool.uv", {}).get("required-version", "")
        return wanted if re.match(r"[<>=~!]", wanted) else f"=={wanted}" if wanted else ""
    return ""


def python_version(directory: str) -> str:
    """Returns the version of Python that the project names, as in a tag of its image."""
    path = nearest(directory, ".python-version")
    named = read(path).strip().splitlines()[0] if path and read(path).strip() else asdf(directory, "python")
    exact = re.match(r"(?:python-|cpython-)?(3\.\d+(?:\.\d+)?)$", named)
    if exact:
        return exact[1]
    if named:
        note(
            f"warning: '{named}' in .python-version is no version of CPython; "
            f"set PYTHON_IMAGE if Python {_DEFAULT} is wrong."
        )
    project = tables(read(nearest(directory, "pyproject.toml") or Path("pyproject.toml")))
    pipfile = tables(read(nearest(directory, "Pipfile") or Path("Pipfile"))).get("requires", {})
    exact = re.match(r"3\.\d+", pipfile.get("python_full_version") or pipfile.get("python_version") or "")
    if exact:
        return exact[0]
    ranges = project.get("project", {}).get("requires-python") or project.get("tool.poetry.dependencies", {}).get(
        "python", ""
    )
    return next((f"3.{minor}" for minor in _MINORS if ranges and allows(ranges, minor)), _DEFAULT)


def allows(ranges: str, minor: int) -> bool:
    """True if a version specifier (PEP 440, or Poetry's `^` and `~`) contains a late release of Python 3.<minor>."""
    return all(_holds(part.strip(), [3, minor, 999]) for part in ranges.replace("||", ",").split(",") if part.strip())


def _holds(part: str, version: List[int]) -> bool:
    found = re.match(r"(~=|[<>!=]=?=?|\^|~)?\s*(\d+(?:\.\d+)*)(\.\*)?", part)
    if not found:
        return True
    sign, number = found[1] or "==", [int(text) for text in found[2].split(".")]
    mine = version[: len(number)]
    parts = len(number) if found[3] else min(len(number), 2)  # of an exact release only its line counts
    if sign == "!=":
        return not (found[3] and mine == number)
    if sign in ("==", "===", "=", "~"):
        return mine[:parts] == number[:parts]
    if sign in ("~=", "^"):
        fixed = 1 if sign == "^" else max(len(number) - 1, 1)
        return mine >= number and mine[:fixed] == number[:fixed]
    return {"<": mine < number, "<=": version[:2] <= number[:2], ">": version > number, ">=": mine >= number}[sign]


def plan(directory: str, image: str, installer: Installer) -> Dict[str, str]:
    """Returns the variables for the shell."""
    version = installer.version
    package = installer.name + (version if version[:1] in "<>=~!" else f"=={version}") if version else installer.name
    return {
        "MANAGER": package,
        "PYTHON": image.replace("{version}", python_version(directory)),
        "SETUP": ":"
        if installer.name == "pip"
        else f"python -m venv /tools && /tools/bin/python -m pip install --quiet '{package}'",
        "COMMAND": installer.command,
        "FOLDER": str(installer.folder),
        "REUSABLE": " ".join(map(str, installer.files)),
    }


def main() -> None:
    """Prints the plan for the folder that is the first argument."""
    directory, given = sys.argv[1], os.environ
    installer = find(directory, given.get("INSTALL", ""), given.get("REQUIREMENTS", ""), given.get("PURPOSE", "tests"))
    assignments(plan(directory, given.get("PYTHON_IMAGE", ""), installer))


if __name__ == "__main__":
    main()
