"""`python -m bench.review`: `slipway review` on a typical change of AllThrive, beside the two synths it needs."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from paths import ROOT
from slipway_cli.review.synths import Synth

# A typical change: larger tasks, a larger database.
_EDITS = (
    ("size: {cpu: 512, memory: 1024}", "size: {cpu: 1024, memory: 2048}"),
    ("rotate_password_days: 90", "rotate_password_days: 90, instance: db.m7g.large"),
)

Taken = tuple[float, float]
"""Wall-clock and CPU seconds."""


def main() -> None:
    """Measures both in turns, and prints the ratio of each round."""
    parser = argparse.ArgumentParser(prog="python -m bench.review", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as scratch:
        changed, base = Path(scratch) / "changed", Path(scratch) / "base"
        try:
            for folder in (changed, base):
                subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, "HEAD"], cwd=ROOT, check=True)
            _change(changed)
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; wall-clock and CPU seconds")
            rounds = [
                (_taken(lambda: _synths(base, changed, Path(scratch))), _taken(lambda: _review(changed)))
                for _ in range(options.rounds)
            ]
        finally:
            for folder in (changed, base):
                subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=False)
    for synths, review in rounds:
        print(f"two synths {_shown(synths)}   review {_shown(review)}   ratio {_ratio(synths, review)}")
    least = [tuple(min(column) for column in zip(*side, strict=True)) for side in zip(*rounds, strict=True)]
    middle = [statistics.median(review[kind] / synths[kind] for synths, review in rounds) for kind in (0, 1)]
    print(f"minimum {least[1][0] / least[0][0]:.2f} wall-clock, {least[1][1] / least[0][1]:.2f} CPU")
    print(f"median of the rounds {middle[0]:.2f} wall-clock, {middle[1]:.2f} CPU")


def _change(folder: Path) -> None:
    manifest = folder / "products" / "allthrive.yaml"
    text = manifest.read_text(encoding="utf-8")
    for old, new in _EDITS:
        text = text.replace(old, new, 1)
    manifest.write_text(text, encoding="utf-8")
    for tools in (".venv", "node_modules"):
        (folder / tools).symlink_to((ROOT / tools).resolve())


def _synths(base: Path, changed: Path, scratch: Path) -> None:
    folders = [scratch / "before", scratch / "after"]
    synths = [
        Synth(folder, out, "allthrive", str(folder)) for folder, out in zip((base, changed), folders, strict=True)
    ]
    for synth in synths:
        synth.assembly()
        synth.stop()
    for folder in folders:
        shutil.rmtree(folder)


def _review(folder: Path) -> None:
    command = [sys.executable, "-m", "slipway_cli", "review", "--product", "allthrive", "--base", "HEAD"]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _taken(work: Callable[[], None]) -> Taken:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - began, cpu


def _shown(taken: Taken) -> str:
    return f"{taken[0]:5.1f} {taken[1]:5.1f}"


def _ratio(taken: Taken, other: Taken) -> str:
    return f"{other[0] / taken[0]:.2f} {other[1] / taken[1]:.2f}"


if __name__ == "__main__":
    main()
