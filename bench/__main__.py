"""`make bench`: compares synthesis with plain JavaScript, and handlers with boto3. Prints figures only."""

from __future__ import annotations

import argparse
import collections
import itertools
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from bench import critical_path
from bench.assemblies import differences, resources
from bench.floor import UntranslatableError, translate
from bench.handlers import report
from bench.measure import Case, by_turns, fit, peak_memory
from paths import NODE, ROOT

BENCH = ROOT / "bench"
WORK = BENCH / ".floor"
PYTHON = str(ROOT / ".venv" / "bin" / "python")
CDK = str(ROOT / "node_modules" / ".bin" / "cdk")
_HEADER = f"{'':46} {'seconds':>13}   {'cpu s':>6}\n{'':46} {'min':>6} {'median':>6}   {'min':>6}"


def main() -> int:
    """Measure; returns 1 if the floor builds other templates than our app, which makes ratios meaningless."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--environments", default="2,5,10,20", help="numbers of environments, separated by commas")
    options = parser.parse_args()
    counts = [int(count) for count in options.environments.split(",")]
    _install()
    try:
        floors = {"allthrive": _floor("allthrive", ["app.py"])}
        floors |= {str(count): _floor(str(count), ["bench/environments.py", str(count)]) for count in counts}
    except (UntranslatableError, AssertionError) as error:
        print(f"no floor: {error}", file=sys.stderr)
        return 1
    load = os.getloadavg()[0]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f} at the start, {options.rounds} rounds by turns"
    )
    print("validation off on both sides, caches warm; the floor is the same calls of aws-cdk-lib in plain JavaScript\n")
    print(critical_path.report())
    _imports(options.rounds)
    _one_product(options.rounds, floors["allthrive"])
    _growth(options.rounds, {count: floors[str(count)] for count in counts})
    report(options.rounds, WORK / "handlers")
    return 0


def _environment(output: Path) -> dict[str, str]:
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"] | {"product": "allthrive"}
    inherited = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {
        "PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}",
        "CDK_VALIDATION": "false",
        "CDK_OUTDIR": str(output),
        "CDK_CONTEXT_JSON": json.dumps(context),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
    }


def _install() -> None:
    WORK.mkdir(exist_ok=True)
    done = WORK / "installed"
    lock = BENCH / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=BENCH, check=True)
        done.touch()


def _floor(name: str, app: list[str]) -> Path:
    """Returns a JavaScript app that makes the same calls as a run of ours, and checks that it builds the same."""
    recording, script = WORK / f"{name}.txt", WORK / f"{name}.js"
    ours, theirs = WORK / f"{name}.ours", WORK / f"{name}.theirs"
    for folder in (ours, theirs):
        shutil.rmtree(folder, ignore_errors=True)
    Case("recording", [PYTHON, "-m", "bench.record", str(recording), *app], _environment(ours), ROOT).run()
    script.write_text(translate(recording), encoding="utf-8")
    Case("floor", [str(NODE), str(script)], _environment(theirs), ROOT).run()
    found = differences(ours, theirs)
    if found:
        raise AssertionError("\n".join([f"{name}: the floor builds something else", *found]))
    kinds = collections.Counter(
        json.loads(line[1:]).get("api") for line in recording.read_bytes().splitlines() if line[:1] == b">"
    )
    del kinds[None]
    calls = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(f"{name}: {resources(ours)} resources, templates equal; {kinds.total()} calls of jsii: {calls}")
    return script


def _imports(rounds: int) -> None:
    ours = "import sys; sys.path.append('constructs'); import products, stacks.product"
    environment = _environment(WORK / "none")
    cases = [
        Case("python, nothing", [PYTHON, "-c", "pass"], environment, ROOT),
        Case("import products (no aws_cdk)", [PYTHON, "-c", "import products"], environment, ROOT),
        Case("import aws_cdk", [PYTHON, "-c", "import aws_cdk"], environment, ROOT),
        Case("import all of ours", [PYTHON, "-c", ours], environment, ROOT),
        Case("node, nothing", [str(NODE), "-e", "0"], environment, BENCH),
        Case("require aws-cdk-lib", [str(NODE), "-e", "require('aws-cdk-lib')"], environment, BENCH),
    ]
    by_turns(cases, rounds)
    print("\n" + _HEADER)
    for case in cases:
        print(f"{case.name:46} {case.measured()}")


def _one_product(rounds: int, floor: Path) -> None:
    output = WORK / "synth"
    environment = _environment(output)
    synth = [CDK, "synth", "--quiet", "--no-validation", "--no-notices", "--context", "product=allthrive"]
    synth += ["--output", str(output), "--app"]
    ours, theirs = f"{PYTHON} app.py", f"{NODE} {floor}"
    cases = [
        Case("cdk synth", [*synth, ours], environment, ROOT),
        Case("cdk synth, floor", [*synth, theirs], environment, ROOT),
        Case("app.py", ours.split(), environment, ROOT),
        Case("app.js, floor", theirs.split(), environment, ROOT),
    ]
    by_turns(cases, rounds)
    print("\nBoth environments of AllThrive, and its tooling")
    print(_HEADER)
    for case in cases:
        print(f"{case.name:46} {case.measured()}")
    print(f"{'ratio with the CLI':46}  {cases[0].ratio(cases[1])}")
    print(f"{'ratio without':46}  {cases[2].ratio(cases[3])}")
    for case in cases[2:]:
        memory = peak_memory(case)
        text = ", ".join(f"{key} {size:.0f} MiB" for key, size in memory.items()) if memory else "not measured here"
        print(f"peak memory, {case.name}: {text}")


def _growth(rounds: int, floors: dict[int, Path]) -> None:
    ours, theirs = {}, {}
    for count, floor in floors.items():
        environment = _environment(WORK / f"growth{count}")
        command = [PYTHON, "-m", "bench.environments", str(count)]
        ours[count] = Case(f"{count:3} environments", command, environment, ROOT)
        theirs[count] = Case(f"{count:3} environments, floor", [str(NODE), str(floor)], environment, ROOT)
    by_turns([case for count in floors for case in (ours[count], theirs[count])], rounds)
    print("\nSynthesis without the CLI, by number of environments")
    print(f"{_HEADER}    ratio to the floor")
    for count in floors:
        print(f"{ours[count].name:46} {ours[count].measured()}    {ours[count].ratio(theirs[count])}")
        print(f"{theirs[count].name:46} {theirs[count].measured()}")
    for name, cases in (("ours", ours), ("floor", theirs)):
        points = [(float(count), min(case.wall)) for count, case in cases.items()]
        steps = [
            f"{(later - earlier) / (more - fewer):.2f}"
            for (fewer, earlier), (more, later) in itertools.pairwise(points)
        ]
        if len(points) > 1:
            start, slope, explained = fit(points)
            print(f"{name}: {start:.2f} s + {slope:.3f} s an environment, R² {explained:.4f}; steps {', '.join(steps)}")


if __name__ == "__main__":
    sys.exit(main())
