"""Handlers when they are called for the first time: what an import costs beside boto3's own, and what is packed."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paths import HANDLERS

_OWN = "shared"
# Measured inside, so that what the interpreter itself takes makes no ratio smaller.
_PROGRAM = """
import json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
__import__(sys.argv[1])
import boto3
for service in sys.argv[2:]:
    boto3.client(service)
print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]))
"""


@dataclass
class Cold:
    """A first import with its clients, and how long each of its runs took."""

    module: str
    services: Sequence[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, folder: Path) -> None:
        """One run, in an interpreter of its own."""
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, self.module, *self.services],
            cwd=folder,
            env=_environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        wall, cpu = json.loads(done.stdout)
        self.wall.append(wall)
        self.cpu.append(cpu)


def report(rounds: int, folder: Path) -> None:
    """Print each handler beside its floor: boto3, and the same clients."""
    pairs: list[tuple[Cold, Cold]] = []
    for name in handlers():
        pack(name, folder / name)
        pairs.append((Cold(f"{name}.handler", services(name)), Cold("boto3", services(name))))
    for _ in range(rounds + 1):
        for ours, floor in pairs:
            for case in (ours, floor):
                case.run(folder / ours.module.partition(".")[0])
    print(
        "\nHandlers, the first call: import and clients, beside boto3 with the same clients; no bytecode, as deployed"
    )
    print(
        f"{'':26} {'wall s':>6} {'floor':>6} {'ratio':>6}   {'cpu s':>6} {'floor':>6} {'ratio':>6}   {'KB':>5}  imports"
    )
    for ours, floor in pairs:
        name = ours.module.partition(".")[0]
        size, others = sum(path.stat().st_size for path in packed(name)) / 1000, ", ".join(sorted(third_parties(name)))
        print(f"{name:26} {_beside(ours.wall, floor.wall)}   {_beside(ours.cpu, floor.cpu)}   {size:5.1f}  {others}")


def _beside(ours: Sequence[float], floor: Sequence[float]) -> str:
    """Of both the minimum, without the round that warmed the caches."""
    one, other = min(ours[1:]), min(floor[1:])
    return f"{one:6.3f} {other:6.3f} {one / other:6.2f}"


def handlers() -> list[str]:
    """The handlers there are."""
    return sorted(path.parent.name for path in HANDLERS.glob("*/handler.py"))


def libraries(name: str) -> list[str]:
    """The folders beside `shared` that a handler imports from."""
    text = (HANDLERS / name / "handler.py").read_text(encoding="utf-8")
    return [folder for folder in ("database",) if f"from {folder}." in text]


def packed(name: str) -> list[Path]:
    """The files of a handler's package: its own folder and what handlers share, without bytecode."""
    return sorted(
        path
        for folder in (name, _OWN, *libraries(name))
        for path in (HANDLERS / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def pack(name: str, folder: Path) -> None:
    """Copy a handler's package to a folder of its own."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in packed(name):
        target = folder / path.relative_to(HANDLERS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def third_parties(name: str) -> set[str]:
    """What a package imports that is neither its own nor of the standard library."""
    found = {module.partition(".")[0] for path in packed(name) if path.suffix == ".py" for module in _imported(path)}
    return found - set(sys.stdlib_module_names) - {name, _OWN, *libraries(name)}


def services(name: str) -> list[str]:
    """The AWS services whose clients a handler makes: those it names, and those named by what it imports of ours."""
    found: set[str] = set()
    # shared/aws.py makes further ones in some cases only; left out, they make no floor higher than it is.
    todo, seen = [HANDLERS / name / "handler.py"], {HANDLERS / _OWN / "aws.py"}
    while todo:
        path = todo.pop()
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client":
                found |= {str(each.value) for each in node.args if isinstance(each, ast.Constant)}
        ours = {HANDLERS / f"{module.replace('.', '/')}.py" for module in _imported(path)}
        todo += [each for each in ours if each.is_file() and each not in seen]
    return sorted(found)


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _environment() -> Mapping[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    # A package in Lambda is read-only and brings no bytecode: it is compiled at every cold start.
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **keys}
