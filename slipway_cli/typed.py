"""Commands for next steps, which work as they are printed."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

NAME = "slipway"


@dataclass
class Invocation:
    """The parts of this process's command line that next steps repeat."""

    words: tuple[str, ...] = ()
    """The arguments as they were typed."""
    product: str = ""
    """The value of --product, if given: without it, a next step might mean another product."""
    aws: bool = False
    """True if --aws was given: without it, a next step would use the local cloud."""

    def begin(self, words: list[str]) -> None:
        """Start anew with the arguments of a command."""
        self.words, self.product, self.aws = tuple(words), "", False

    @property
    def verb(self) -> str:
        """The command's name, e.g. `status` or `local up`."""
        names = [word for word in self.words if not word.startswith("-")]
        return " ".join(names[: 2 if names[:1] == ["local"] else 1])


INVOCATION = Invocation()


def command(verb: str, *words: str, **options: str | bool) -> str:
    """Returns a command line, e.g. `slipway stop main --run 0a1b2c3d --abandon`; options without a value are left out.

    `--product` and `--aws` are repeated from the command that runs, since the next one needs them too.
    """
    given = {**options, "product": INVOCATION.product, "aws": INVOCATION.aws}
    typed = [verb, *(shlex.quote(word) for word in words if word)]
    for name, value in given.items():
        if value is True:
            typed.append(f"--{name}")
        elif value:
            typed.append(f"--{name} {shlex.quote(str(value))}")
    return " ".join((program(), *typed))


def again(**options: str) -> str:
    """Returns the command line of this process with other values of options."""
    kept: list[str] = []
    named = {f"--{name}" for name in options}
    words = iter(INVOCATION.words)
    for word in words:
        if word in named:
            next(words, None)  # its old value
        elif word.partition("=")[0] not in named:
            kept.append(word)
    more = [f"--{name} {shlex.quote(value)}" for name, value in options.items()]
    return " ".join((program(), shlex.join(kept), *more))


def program(executable: str = "") -> str:
    """Returns `slipway` if it is on the PATH, else the path of this program from the current folder."""
    python = Path(executable or sys.executable)
    script = python.parent / NAME
    path = os.environ.get("SLIPWAY_SHELL_PATH")  # the shell that called make
    if (
        (found := shutil.which(NAME, path=path))
        and Path(found).parent.exists()
        and _same(Path(found).parent, python.parent)
    ):
        return NAME
    if script.is_file():
        return shlex.quote(shown(script))
    return f"{shlex.quote(shown(python))} -m slipway_cli"


def shown(path: Path) -> str:
    """Returns a path relative to the current folder if it is below it, else the path unchanged."""
    here = Path.cwd()
    for folder in (here, here.resolve()):
        if path.is_relative_to(folder):
            return str(path.relative_to(folder)) or "."
    return str(path)


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False
