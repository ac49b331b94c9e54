"""Runs a build on this machine: `python -m builds run backend --source examples/allthrive`."""

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
    """The result of a build: if it succeeded, and the variables it exported."""

    succeeded: bool
    exported: dict[str, str]
    output: str = ""
    """The build's output, if `quiet`; otherwise empty."""


def run(
    name: str, source: Path, values: Mapping[str, str], output: Path | None = None, *, quiet: bool = False
) -> Result:
    """Runs a build on a copy of `source` and copies its artifacts and reports to `output`.

    The build prints to this program's output; if `quiet` is true, the result has what it printed.

    The build inherits the caller's environment, as it inherits its project's in CodeBuild. Only `values` overrides the
    variables that the buildspec declares, so that a variable of the same name on this machine changes nothing.

    Raises:
        BuildError: if the build cannot be started.
    """
    spec = buildspec(name)
    with tempfile.TemporaryDirectory(prefix=f"slipway-{name}-") as temporary:
        checkout, state = Path(temporary, "source"), Path(temporary, "state")
        state.mkdir()
        copy(source, checkout)
        declared = {key: str(value) for key, value in spec["env"].get("variables", {}).items()}
        done = subprocess.run(  # noqa: S603 - a program from our own buildspec
            ["bash", "-c", script.program(spec)],  # noqa: S607 - the user's bash
            cwd=checkout,
            env={**os.environ, **_agent(source, checkout, state), **declared, **values},
            check=False,
            stdout=subprocess.PIPE if quiet else None,
            stderr=subprocess.STDOUT if quiet else None,
        )
        exported = {path.name: path.read_text(encoding="utf-8") for path in sorted((state / "exported").glob("*"))}
        if output:
            _keep(spec, checkout, output)
    return Result(done.returncode == 0, exported, (done.stdout or b"").decode(errors="replace"))


def copy(source: Path, target: Path) -> None:
    """Copies the files of a folder that git tracks or would add, as they are now; without git, all but packages.

    Raises:
        BuildError: if the folder does not exist.
    """
    if not source.is_dir():
        raise BuildError(f"no folder {source}; give the product's checkout with --source")
    listed = _git(source, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    if listed is None:
        shutil.copytree(source, target, symlinks=True, ignore=lambda _, found: _LEFT_OUT.intersection(found))
        return
    for name in filter(None, listed.split("\0")):
        if (source / name).is_file():  # false for a deleted file that git still tracks
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name, follow_symlinks=False)


def _agent(source: Path, checkout: Path, state: Path) -> dict[str, str]:
    """Returns the environment variables that CodeBuild's agent sets."""
    commit = (_git(source, "rev-parse", "HEAD") or "").strip()
    return {
        "BUILD_STATE": str(state),
        "TMPDIR": str(state),  # temporary files are deleted with the state
        "CI": "true",
        "CODEBUILD_BUILD_ID": f"local:{state.parent.name}",
        "CODEBUILD_RESOLVED_SOURCE_VERSION": commit,
        "CODEBUILD_SRC_DIR": str(checkout),
    }


def _git(folder: Path, *words: str) -> str | None:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603, S607 - the user's git
    return done.stdout if done.returncode == 0 else None


def _keep(spec: dict[str, Any], checkout: Path, output: Path) -> None:
    """Copies artifacts to the output folder, and reports below `reports/`."""
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
    """Runs the command line; returns the exit code: 0 if the build succeeded, 1 if it failed, 2 if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m builds", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="list the builds")
    runner = commands.add_parser("run", help="run a build on this machine")
    runner.add_argument("build", help=", ".join(names()))
    runner.add_argument("--source", type=Path, required=True, help="the product's checkout")
    runner.add_argument(
        "--set",
        dest="values",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        type=_assignment,
        help="a variable of the build; may be repeated",
    )
    runner.add_argument("--output", type=Path, help="folder for artifacts and reports; without it they are not kept")
    arguments = parser.parse_args(words)
    if arguments.command == "list":
        print("\n".join(names()))  # noqa: T201 - output of a command line
        return 0
    try:
        result = run(arguments.build, arguments.source, dict(arguments.values), arguments.output)
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201 - output of a command line
        return 2
    for name, value in result.exported.items():
        print(f"{name}={value}")  # noqa: T201 - output of a command line
    print(f"\n{arguments.build}: {'succeeded' if result.succeeded else 'failed; the first FAILED line above says why'}")  # noqa: T201 - output of a command line
    return 0 if result.succeeded else 1


def _assignment(word: str) -> tuple[str, str]:
    name, sign, value = word.partition("=")
    if not sign or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got '{word}'")
    return name, value
