"""Runs one of our builds here: `python -m builds run backend --source examples/allthrive`."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builds import script
from builds.buildspecs import BuildError, buildspec, names

_LEFT_OUT = {".git", ".venv", "node_modules", "__pycache__"}


@dataclass(frozen=True)
class Result:
    """How a build ended."""

    succeeded: bool
    exported: dict[str, str]


def run(name: str, source: Path, values: Mapping[str, str], output: Path | None = None) -> Result:
    """Run a build on a copy of `source`; its artifacts and reports go to `output`.

    The caller's environment reaches the build, as a project's does in CodeBuild; of the variables that the build
    declares only `values` overrides any, so that what is set here by chance changes nothing.

    Raises:
        BuildError: if it cannot begin.
    """
    spec = buildspec(name)
    with tempfile.TemporaryDirectory(prefix=f"slipway-{name}-") as temporary:
        checkout, state = Path(temporary, "source"), Path(temporary, "state")
        state.mkdir()
        copy(source, checkout)
        declared = {key: str(value) for key, value in spec["env"].get("variables", {}).items()}
        done = subprocess.run(  # noqa: S603 - the program of our own file
            ["bash", "-c", script.of(spec)],  # noqa: S607 - the user's bash
            cwd=checkout,
            env={**os.environ, **_agent(source, checkout, state), **declared, **values},
            check=False,
        )
        exported = {path.name: path.read_text(encoding="utf-8") for path in sorted((state / "exported").glob("*"))}
        if output:
            _keep(spec, checkout, output)
    return Result(done.returncode == 0, exported)


def copy(source: Path, target: Path) -> None:
    """Copy what git would commit of a folder, changes included; where there is no git, all but installed packages.

    Raises:
        BuildError: if there is no such folder.
    """
    if not source.is_dir():
        raise BuildError(f"no folder {source}; give the product's checkout with --source")
    listed = _git(source, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed is None:
        shutil.copytree(source, target, symlinks=True, ignore=lambda _, found: _LEFT_OUT.intersection(found))
        return
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():  # else it is deleted, and git does not know yet
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name, follow_symlinks=False)


def _agent(source: Path, checkout: Path, state: Path) -> dict[str, str]:
    """The variables that CodeBuild itself sets."""
    commit = (_git(source, "rev-parse", "HEAD") or "").strip()
    return {
        "BUILD_STATE": str(state),
        "TMPDIR": str(state),  # what a build leaves goes with it
        "CI": "true",
        "CODEBUILD_BUILD_ID": f"local:{state.parent.name}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": commit,
        "CODEBUILD_SRC_DIR": str(checkout),
    }


def _git(folder: Path, *words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607 - the user's git
    return done.stdout if done.returncode == 0 else None


def _keep(spec: dict[str, Any], checkout: Path, output: Path) -> None:
    """Copy artifacts, and reports below `reports/`."""
    collections = [(spec.get("artifacts"), output)]
    collections += [(report, output / "reports" / name) for name, report in spec.get("reports", {}).items()]
    for collection, target in collections:
        if collection:
            base = checkout / collection.get("base-directory", ".")
            found = {path for pattern in collection["files"] for path in base.glob(pattern) if path.is_file()}
            for path in sorted(found):
                (target / path.relative_to(base)).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target / path.relative_to(base))


def main(words: list[str] | None = None) -> int:
    """Run a build as the command line says; 0 if it succeeds."""
    parser = argparse.ArgumentParser(prog="python -m builds", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the builds there are")
    one = commands.add_parser("run", help="run a build on this machine")
    one.add_argument("build", help=", ".join(names()))
    one.add_argument("--source", type=Path, required=True, help="the product's checkout")
    one.add_argument("--set", dest="values", action="append", default=[], metavar="NAME=VALUE", type=_assignment)
    one.add_argument("--output", type=Path, help="where artifacts and reports go; nowhere by default")
    given = parser.parse_args(words)
    if given.command == "list":
        print("\n".join(names()))  # noqa: T201 - a command line's answer
        return 0
    try:
        result = run(given.build, given.source, dict(given.values), given.output)
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line's answer
        return 2
    for name, value in result.exported.items():
        print(f"{name}={value}")  # noqa: T201 - a command line's answer
    print(f"\n{given.build}: {'succeeded' if result.succeeded else 'failed; the first FAILED line above says why'}")  # noqa: T201 - a command line's answer
    return 0 if result.succeeded else 1


def _assignment(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got '{word}'")
    return name, value
