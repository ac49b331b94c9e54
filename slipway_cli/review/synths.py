"""Synthesizes the working tree and, in a temporary git worktree, the base of a review, in parallel."""

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

_LAST_LINES = 30  # of a failed synth's output


@dataclass(frozen=True)
class Base:
    """The base of a review."""

    name: str
    """The name that the user typed: `main`."""
    commit: str
    folder: Path
    """The folder of its checkout."""


class Synth:
    """A running `python app.py`."""

    def __init__(self, folder: Path, out: Path, product: str, label: str) -> None:
        self._label, self._out = label, out
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - stop() closes it
        settings = folder / "cdk.json"
        if not (folder / "app.py").is_file() or not settings.is_file():
            raise ReviewError(
                f"{label} cannot be compared: it has no app.py and cdk.json, so it is not a checkout of Slipway"
            )
        context = json.loads(settings.read_text(encoding="utf-8")).get("context", {}) | {"product": product}
        self._process = subprocess.Popen(  # our own app
            [sys.executable, "app.py"],
            cwd=folder,
            env=_environment(out, context),
            stdout=self._output,
            stderr=self._output,
        )

    def assembly(self) -> Assembly:
        """Waits for the process and returns its assembly.

        Raises:
            ReviewError: if the process failed; the message ends with the last lines of its output.
        """
        code = self._process.wait()
        if code == 0:
            return read(self._out)
        self._output.seek(0)
        lines = self._output.read().decode(errors="replace").strip().splitlines()
        text = "\n".join(f"  {line}" for line in lines[-_LAST_LINES:])
        raise ReviewError(f"{self._label} does not synthesize (exit code {code}):\n{text}")

    def stop(self) -> None:
        """Stops the process if it is still running."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
        self._output.close()


def synthesized(
    product: str, base: str, root: Path = ROOT, *, meanwhile: Callable[[], None] = lambda: None
) -> tuple[Assembly, Assembly]:
    """Returns the assemblies of the base and of the working tree. `meanwhile` is called while the synths run.

    Raises:
        ReviewError: if git does not know the base, or one of the two does not synthesize.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slipway-review-")))
        commit = _commit(base, root)

        def synth(folder: Path, out: str, label: str) -> Synth:
            started = Synth(folder, scratch / out, product, label)
            stack.callback(started.stop)
            return started

        after = synth(root, "after", "the working tree")
        checked_out = stack.enter_context(checkout(base, commit, scratch, root))
        known = (checked_out.folder / "products" / f"{product}.yaml").is_file()
        before = synth(checked_out.folder, "before", f"the base {shown(checked_out)}") if known else None
        meanwhile()
        # A new product has no assembly in the base.
        return before.assembly() if before else Assembly(()), after.assembly()


def _commit(base: str, root: Path) -> str:
    """Returns the commit where this branch left the base: later commits of the base are not part of this change."""
    commit = git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}")
    if commit is None:
        raise ReviewError(
            f"git does not know '{base}'; write a branch, a tag or a commit (in CI: fetch it, `fetch-depth: 0`)"
        )
    return git(root, "merge-base", commit, "HEAD") or commit


@contextmanager
def checkout(base: str, commit: str, scratch: Path, root: Path = ROOT) -> Iterator[Base]:
    """Checks out a commit in a temporary worktree, which is removed at the end."""
    folder = scratch / "base"
    if git(root, "worktree", "add", "--quiet", "--detach", str(folder), commit) is None:
        raise ReviewError(f"git cannot check out {base} ({commit[:8]}) in a second worktree; check `git worktree list`")
    try:
        yield Base(base, commit, folder)
    finally:
        git(root, "worktree", "remove", "--force", str(folder))


def git(root: Path, *arguments: str) -> str | None:
    """Returns the output of a git command; None if it fails."""
    run = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603, S607 - no shell; the user's git
    return run.stdout.strip() if run.returncode == 0 else None


def shown(base: Base) -> str:
    """Returns the name and commit of the base: `main (0f1e2d3c)`."""
    return base.name if base.commit.startswith(base.name) else f"{base.name} ({base.commit[:8]})"


def _environment(out: Path, context: Mapping[str, object]) -> dict[str, str]:
    return os.environ | {
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "CDK_OUTDIR": str(out),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_VALIDATION": "false",  # CI validates both sides; it takes as long as the rest of a synth
        "PYTHONPATH": "",  # the path of this process would hide the modules of the base
    }
