"""Synthesizes what is compared: the working tree, and the base in a temporary git worktree, both at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from paths import NODE, ROOT
from slipway_cli.review.assembly import Assembly, read
from slipway_cli.review.errors import ReviewError

_LAST_LINES = 30  # of what a failed synth said


@dataclass(frozen=True)
class Base:
    """What a change is compared with."""

    name: str
    """As typed: `main`."""
    commit: str
    folder: Path
    """A checkout of it."""


class Synth:
    """One `python app.py`, running."""

    def __init__(self, folder: Path, out: Path, product: str, what: str) -> None:
        self._what, self._out = what, out
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        settings = folder / "cdk.json"
        if not (folder / "app.py").is_file() or not settings.is_file():
            raise ReviewError(f"{what}: there is no app.py with a cdk.json in it, so it is no Slipway to compare with")
        context = json.loads(settings.read_text(encoding="utf-8")).get("context", {}) | {"product": product}
        self._process = subprocess.Popen(  # our own app
            [sys.executable, "app.py"], cwd=folder, env=_environment(out, context), stdout=self._said, stderr=self._said
        )

    def assembly(self) -> Assembly:
        """What it made.

        Raises:
            ReviewError: with the end of what it said, if it failed.
        """
        code = self._process.wait()
        if code == 0:
            return read(self._out)
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        text = "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
        raise ReviewError(f"{self._what} does not synthesize (exit code {code}):\n{text}")

    def stop(self) -> None:
        """End it, if it still runs."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._said.close()


def synthesized(
    product: str, base: str, root: Path = ROOT, *, meanwhile: Callable[[], None] = lambda: None
) -> tuple[Assembly, Assembly]:
    """The base's assembly and the working tree's, made at the same time; `meanwhile` is called while they are made.

    Raises:
        ReviewError: if git knows no such base, or one of the two does not synthesize.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-review-")))
        commit = _commit(base, root)

        def synth(folder: Path, out: str, what: str) -> Synth:
            begun = Synth(folder, scratch / out, product, what)
            stack.callback(begun.stop)
            return begun

        mine = synth(root, "after", "the working tree")
        there = stack.enter_context(checkout(base, commit, scratch, root))
        known = (there.folder / "products" / f"{product}.yaml").is_file()
        theirs = synth(there.folder, "before", f"the base {shown(there)}") if known else None
        meanwhile()
        before = theirs.assembly() if theirs else Assembly(())  # a product that is new has nothing before
        return before, mine.assembly()


def _commit(base: str, root: Path) -> str:
    """Where this branch left the base: what others did to the base since is no part of this change."""
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if commit is None:
        raise ReviewError(
            f"git knows no commit '{base}'; write a branch, a tag or a commit (in CI: fetch it, `fetch-depth: 0`)"
        )
    return git(root, "merge-base", commit, "HEAD") or commit


@contextmanager
def checkout(base: str, commit: str, scratch: Path, root: Path = ROOT) -> Iterator[Base]:
    """A commit in a worktree of its own, which goes at the end."""
    folder = scratch / "base"
    if git(root, "worktree", "add", "--quiet", "--detach", str(folder), commit) is None:
        raise ReviewError(f"git cannot check out {base} ({commit[:8]}) beside this one; look at `git worktree list`")
    try:
        yield Base(base, commit, folder)
    finally:
        git(root, "worktree", "remove", "--force", str(folder))


def git(root: Path, *arguments: str) -> str | None:
    """What git says; None if it fails."""
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607 - no shell; the user's git
    return run.stdout.strip() if run.returncode == 0 else None


def shown(base: Base) -> str:
    """The base for a reader: `main (0f1e2d3c)`."""
    return base.name if base.commit.startswith(base.name) else f"{base.name} ({base.commit[:8]})"


def _environment(out: Path, context: Mapping[str, object]) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",  # both sides pass it in CI; it takes as long as the rest of a synth
        "PYTHONPATH": "",  # ours, which would hide the base's own modules
    }
