"""Reads a Procfile: the processes of a product that ran on Heroku or the like."""

from __future__ import annotations

import re

from slipway_cli.init import commands
from slipway_cli.init.findings import Findings, Image, Process, Setting
from slipway_cli.init.tree import Place, Tree, folder_of

_LINE = re.compile(r"^([A-Za-z0-9_-]+):\s*(\S.*)$")
_PORT = "8000"
"""The value of PORT, which a Procfile's web process listens on."""


def add(tree: Tree, findings: Findings, images: list[Image]) -> None:
    """Add the processes of each Procfile whose folder, or a folder around it, has an image."""
    for path in tree.named("Procfile"):
        image = _image(path, images)
        if image is None:
            findings.leave("its processes: no Dockerfile builds their image", Place(path))
            continue
        for number, text in enumerate((tree.text(path) or "").splitlines(), start=1):
            if match := _LINE.match(text.strip()):
                _process(findings, image, match[1], match[2].strip(), Place(path, number))


def _image(path: str, images: list[Image]) -> Image | None:
    folder = folder_of(path)
    return next((image for image in images if image.context in (folder, ".") or folder_of(image.path) == folder), None)


def _process(findings: Findings, image: Image, name: str, text: str, place: Place) -> None:
    command = commands.words(text)
    if name == "release":
        findings.migration = Process(name, "release", place, image, command)
        return
    if command and commands.is_development(command):
        findings.assume(f"{name} runs its image's own command: `{text[:60]}` is for development", place)
        command = None
    kind = "web" if name == "web" else commands.kind(command, name)
    process = Process(name, kind, place, image, command, public=name == "web", why="Procfile")
    if process.public:
        process.port = commands.whole(_PORT, 1, 65535)
        if re.search(r"\$\{?PORT\b", text):
            process.settings["PORT"] = Setting(place, _PORT)
        else:
            process.port = None
    findings.processes.append(process)
