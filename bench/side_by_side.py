"""Measures `slipway demo` and a push to release of two checkouts by turns: `python -m bench.side_by_side OLD [NEW]`.

Each turn runs on a new local cloud: the demo of AllThrive, then a push of a changed page, approved at once. The images
of the builds and Docker's layers are warm, since a turn of each checkout before the first is not counted. A checkout
needs .venv and node_modules; a link to those of another checkout is enough.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from paths import ROOT

PRODUCT, PIPELINE = "allthrive", "allthrive-main"
CHANGED = "frontend/src/App.tsx"
_ACTIONS = """
import boto3, json, sys
client = boto3.client("codepipeline")
newest = client.list_pipeline_executions(pipelineName=sys.argv[1])["pipelineExecutionSummaries"][0]
rows = client.list_action_executions(
    pipelineName=sys.argv[1], filter={"pipelineExecutionId": newest["pipelineExecutionId"]}
)["actionExecutionDetails"]
assert newest["status"] == "Succeeded", newest
print(json.dumps([
    [row["stageName"] + "/" + row["actionName"], row["startTime"].timestamp(), row["lastUpdateTime"].timestamp()]
    for row in rows
]))
"""


@dataclass
class Checkout:
    """A checkout, and the seconds of its turns."""

    folder: Path
    demo: list[float] = field(default_factory=list)
    push: list[float] = field(default_factory=list)
    actions: list[dict[str, float]] = field(default_factory=list)

    def turn(self, number: int, *, counted: bool) -> None:
        """Runs one turn."""
        self._slipway("local", "down", check=False)
        begin = time.perf_counter()
        self._slipway("demo", PRODUCT)
        demo = time.perf_counter() - begin
        self._change(number)
        begin = time.perf_counter()
        self._shell(f"git -C {self._clone} push origin main")
        self._follow()
        push = time.perf_counter() - begin
        rows = json.loads(self._shell(f"python -c {shlex.quote(_ACTIONS)} {PIPELINE}"))
        self._slipway("local", "down")
        if counted:
            self.demo.append(demo)
            self.push.append(push)
            self.actions.append({name: end - start for name, start, end in rows})

    def _follow(self) -> None:
        """Follows the run to its end, and approves it as soon as it waits for a person."""
        with self._started("python -u -m slipway_cli follow main") as following:
            for line in following.stdout or ():
                if "waits for a person" in line:
                    self._slipway("approve", "main", "--yes")
        if following.returncode:
            raise RuntimeError(f"{self.folder}: the push did not reach its release")

    @property
    def _clone(self) -> Path:
        return self.folder / ".slipway" / "work" / PRODUCT

    def _change(self, number: int) -> None:
        page = self._clone / CHANGED
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace("<h1>About</h1>", f"<h1>About</h1>\n      <p>Turn {number}</p>"), encoding="utf-8")
        self._shell(f"git -C {self._clone} commit --all --message 'Turn {number}'")

    def _slipway(self, *words: str, check: bool = True) -> str:
        return self._shell(f"python -m slipway_cli {shlex.join(words)}", check=check)

    def _shell(self, script: str, *, check: bool = True) -> str:
        """Runs a script as a user of the checkout's local cloud. Returns what it printed.

        Raises:
            RuntimeError: if it fails; with the end of its output.
        """
        with self._started(script) as process:
            printed = process.communicate()[0]
        if check and process.returncode:
            raise RuntimeError(f"{self.folder}: {script}\n{printed[-3000:]}")
        return printed

    def _started(self, script: str) -> subprocess.Popen[str]:
        state = self.folder / ".slipway" / "local.env"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
        own = {
            "PATH": f"{self.folder}/node_modules/node/bin:{self.folder}/.venv/bin:{os.environ['PATH']}",
            "PYTHONPATH": f"{self.folder}/localcloud/src:{self.folder}",
        }
        return subprocess.Popen(
            ["bash", "-c", f"[ ! -f {state} ] || source {state}\n{script}"],
            cwd=self.folder,
            env=inherited | own,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def row(self, what: str) -> str:
        """Returns minimum and median of a measure."""
        seconds = getattr(self, what)
        return f"{min(seconds):7.1f} {statistics.median(seconds):7.1f}"


def report(old: Checkout, new: Checkout) -> str:
    """Returns the table of both checkouts."""
    lines = [f"{'seconds':24} {'old':>15} {'new':>15} {'ratio of minima':>16} {'of medians':>11}"]
    for what, title in (("demo", "slipway demo, warm"), ("push", "push to release")):
        before, after = getattr(old, what), getattr(new, what)
        medians = statistics.median(after) / statistics.median(before)
        lines.append(
            f"{title:24} {old.row(what)} {new.row(what)} {min(after) / min(before):16.2f} {medians:11.2f}",
        )
    for title, checkout in (("old", old), ("new", new)):
        lines.append(f"\nmedian seconds of the actions of a push, {title}: ")
        names = dict.fromkeys(name for turn in checkout.actions for name in turn)
        for name in names:
            seconds = [turn[name] for turn in checkout.actions if name in turn]
            lines.append(f"  {name:28} {statistics.median(seconds):6.1f}")
    return "\n".join(lines)


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.side_by_side", description=__doc__)
    parser.add_argument("old", type=Path, help="a checkout of the commit that this one is compared with")
    parser.add_argument("new", type=Path, nargs="?", default=ROOT)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="count the first round too")
    options = parser.parse_args()
    old, new = Checkout(options.old.resolve()), Checkout(options.new.resolve())
    for number in range(options.rounds + (not options.cold)):
        for checkout in (old, new):
            checkout.turn(number, counted=bool(number) or options.cold)
            print(f"round {number}, {checkout.folder.name}: done", file=sys.stderr, flush=True)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end, {options.rounds} rounds by turns\n")
    print(report(old, new))
    return 0


if __name__ == "__main__":
    sys.exit(main())
