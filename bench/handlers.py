"""Measures cold starts of handlers: the import time compared with boto3's, and the size of the package."""

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
# Measured inside the process, so that the start of the interpreter does not reduce the ratio.
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
    """A first import with the creation of its clients, and the times of its runs."""

    module: str
    services: Sequence[str]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def run(self, folder: Path) -> None:
        """Measures one run in a new interpreter."""
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
    """Prints each handler compared with its floor: boto3 with the same clients."""
    pairs: list[tuple[Cold, Cold]] = []
    for name in handlers():
        pack(name, folder / name)
        pairs.append((Cold(f"{name}.handler", services(name)), Cold("boto3", services(name))))
    for _ in range(rounds + 1):
        for ours, floor in pairs:
            for case in (ours, floor):
                case.run(folder / ours.module.partition(".")[0])
    print(
        "\nHandlers, first call: import and clients, compared with boto3 and the same clients; no bytecode, as deployed"
    )
    print(
        f"{'':26} {'wall s':>6} {'floor':>6} {'ratio':>6}   {'cpu s':>6} {'floor':>6} {'ratio':>6}   {'KB':>5}  imports"
    )
    for ours, floor in pairs:
        name = ours.module.partition(".")[0]
        size, others = sum(path.stat().st_size for path in packed(name)) / 1000, ", ".join(sorted(third_parties(name)))
        print(
            f"{name:26} {_compared(ours.wall, floor.wall)}   {_compared(ours.cpu, floor.cpu)}   {size:5.1f}  {others}"
        )


def _compared(ours: Sequence[float], floor: Sequence[float]) -> str:
    """Returns the minima of both and their ratio, without the round that warms the caches."""
    our_best, other = min(ours[1:]), min(floor[1:])
    return f"{our_best:6.3f} {other:6.3f} {our_best / other:6.2f}"


def handlers() -> list[str]:
    """Returns the names of all handlers."""
    return sorted(path.parent.name for path in HANDLERS.glob("*/handler.py"))


def libraries(name: str) -> list[str]:
    """Returns the folders beside `shared` that a handler imports from."""
    text = (HANDLERS / name / "handler.py").read_text(encoding="utf-8")
    return [folder for folder in ("database", "images") if f"from {folder}." in text]


def packed(name: str) -> list[Path]:
    """Returns the files of a handler's package: its own and the shared folders, without bytecode."""
    return sorted(
        path
        for folder in (name, _OWN, *libraries(name))
        for path in (HANDLERS / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def pack(name: str, folder: Path) -> None:
    """Copies a handler's package to a separate folder."""
    shutil.rmtree(folder, ignore_errors=True)
    for path in packed(name):
        target = folder / path.relative_to(HANDLERS)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)


def third_parties(name: str) -> set[str]:
    """Returns the third-party modules that a package imports."""
    found = {module.partition(".")[0] for path in packed(name) if path.suffix == ".py" for module in _imported(path)}
    return found - set(sys.stdlib_module_names) - {name, _OWN, *libraries(name)}


def services(name: str) -> list[str]:
    """Returns the AWS services whose clients a handler and its imported modules create."""
    found: set[str] = set()
    # shared/aws.py creates more clients only in some cases; including them would raise the floor.
    todo, seen = [HANDLERS / name / "handler.py"], {HANDLERS / _OWN / "aws.py"}
    while todo:
        path = todo.pop()
        seen.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "client":
                found |= {str(argument.value) for argument in node.args if isinstance(argument, ast.Constant)}
        ours = {HANDLERS / f"{module.replace('.', '/')}.py" for module in _imported(path)}
        todo += [path for path in ours if path.is_file() and path not in seen]
    return sorted(found)


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def _environment() -> Mapping[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
    # A package in Lambda is read-only and has no bytecode: it is compiled at each cold start.
    return {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **keys}
