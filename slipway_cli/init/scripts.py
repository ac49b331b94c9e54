"""Reads the scripts that containers begin with: their ports, their variables, and what each starts.

cookiecutter-django's images have several: `/start`, `/start-celeryworker`, `/start-celerybeat`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from slipway_cli.init import commands, dockerfiles, known
from slipway_cli.init.findings import Findings, Image, Process
from slipway_cli.init.tree import Place, Tree, joined, line_of

_USED = re.compile(r"\$(?:\{([A-Z][A-Z0-9_]+)(:?[-=?+][^}]*)?\}|([A-Z][A-Z0-9_]+)\b)")
_ASSIGNED = re.compile(r"^[ \t]*(?:(?:export|local|readonly)[ \t]+)?([A-Z][A-Z0-9_]+)=", re.MULTILINE)
_SHELL_S_OWN = frozenset(
    {"PATH", "HOME", "USER", "PWD", "HOSTNAME", "SHELL", "RANDOM", "PORT", "IFS", "BASH_SOURCE", "OPTARG"}
)


def add_started(tree: Tree, findings: Findings, images: list[Image]) -> None:
    """Add the processes for which an image has start scripts."""
    for image in images:
        dockerfile = dockerfiles.read(tree, image.path, image.target)
        found = {
            target: joined(image.context, source)
            for target, source in (dockerfile.copies if dockerfile else ())
            if PurePosixPath(target).name.startswith("start")
        }
        if len(found) < 2 or dockerfile is None:  # noqa: PLR2004 - one script is the image's own command
            continue
        for target, path in found.items():
            name = PurePosixPath(target).name.removeprefix("start").strip("-_.").removesuffix(".sh") or "web"
            command = commands.words(_command(tree.text(path) or ""))
            kind = "web" if name == "web" else commands.kind(command, name)
            if kind == "other":
                findings.leave(f"{target}: a tool, not a part of the product", Place(path))
                continue
            named = {"worker": "celery", "beat": "beat"}.get(kind, name)
            process = Process(named, kind, Place(path), image, (target,), public=kind == "web", why="start script")
            findings.processes.append(process)


def _command(text: str) -> str:
    """Returns the last command of a script: what it starts."""
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    started = [line for line in lines if line and not line.startswith(("#", "set ", "fi", "}", "done"))]
    return started[-1].removeprefix("exec ") if started else ""


def add_ports(tree: Tree, findings: Findings) -> None:
    """Add the ports that the images, or the scripts that they begin with, listen on."""
    for process in findings.processes:
        if process.image is None or process.port or not (process.public or process.kind == "web"):
            continue
        dockerfile = dockerfiles.read(tree, process.image.path, process.image.target)
        if dockerfile is None:
            continue
        told = dockerfiles.port_in(commands.line(process.command))
        script = _script(tree, process, dockerfile)
        process.port = told or (dockerfiles.port_in(tree.text(script) or "") if script else None) or dockerfile.port


def _script(tree: Tree, process: Process, dockerfile: dockerfiles.Dockerfile) -> str | None:
    assert process.image is not None  # noqa: S101 - its callers look
    own = process.command or dockerfile.command
    return dockerfiles.script(tree, process.image, dockerfile, own) or dockerfiles.script(
        tree, process.image, dockerfile, dockerfile.entrypoint
    )


def add_reads(tree: Tree, findings: Findings) -> None:
    """Add the variables that the scripts of images need, which are set nowhere else."""
    done: set[str] = set()
    for process in findings.processes:
        if process.image is None or not (
            dockerfile := dockerfiles.read(tree, process.image.path, process.image.target)
        ):
            continue
        for command in (process.command, dockerfile.command, dockerfile.entrypoint):
            path = dockerfiles.script(tree, process.image, dockerfile, command)
            if path and path not in done:
                done.add(path)
                _reads(findings, path, tree.text(path) or "", dockerfile.names)


def _reads(findings: Findings, path: str, text: str, given: frozenset[str]) -> None:
    plain = re.sub(r"(?m)^[ \t]*#.*$|'[^'\n]*'", "", text)
    assigned = set(_ASSIGNED.findall(plain))
    for found in _USED.finditer(plain):
        name, default = found[1] or found[3], found[2] or ""
        if name in _SHELL_S_OWN or name in given or (name in assigned and known.value(name) is None):
            continue
        required = not default.lstrip(":").startswith(("-", "=", "+"))
        findings.read(name, Place(path, line_of(text, rf"\$\{{?{name}\b")), required=required)
