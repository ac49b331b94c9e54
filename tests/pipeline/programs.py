"""Fake programs that stand before the real ones on the PATH: the registry, and the docker that pushes to it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.run import Result, run

ROOT = Path(__file__).resolve().parents[2]
ALLTHRIVE = ROOT / "examples" / "allthrive"
URI = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend"
BUILT = "sha256:" + "b" * 64

_REGISTRY = """\
state = json.loads((folder / "tags.json").read_text())
def keep():
    (folder / "tags.json").write_text(json.dumps(state))
def option(name):
    return words[words.index(name) + 1]
"""

AWS = (
    _REGISTRY
    + """
verb = words[1]
if verb == "get-login-password":
    print("password")
elif verb == "describe-images":
    digests = sorted(set(state.values()))
    print(json.dumps({"imageDetails": [
        {"imageDigest": each, "imageTags": [tag for tag, digest in state.items() if digest == each]} for each in digests
    ] + [{"imageDigest": "sha256:untagged"}]}))
elif verb == "batch-get-image":
    digest = words[words.index("--image-ids") + 1].partition("=")[2]
    print(json.dumps({"images": [{"imageManifest": json.dumps({"of": digest}), "imageManifestMediaType": "m"}]}))
elif verb == "put-image":
    tag, digest = option("--image-tag"), option("--image-digest")
    assert json.loads(Path(option("--image-manifest").removeprefix("file://")).read_text()) == {"of": digest}
    if (folder / "immutable").exists() and tag in state and not tag.startswith("cache-"):
        sys.exit("ImageTagAlreadyExistsException")
    state[tag] = digest
    keep()
"""
)

DOCKER = (
    _REGISTRY
    + f"""
if words[0] == "login":
    assert sys.stdin.read() == "password\\n"
elif words[:2] == ["buildx", "version"]:
    sys.exit((folder / "no-buildx").exists())
elif words[0] == "create":
    if (folder / "no-image").exists():
        sys.exit("no such image")
    print("container")
elif words[0] == "export":
    import tarfile
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as image:
        for file in sorted((folder / "root").rglob("*")):
            image.add(file, file.relative_to(folder / "root"), recursive=False)
elif words[0] == "push":
    tag = words[-1].rpartition(":")[2]
    race = folder / "race"
    if race.exists():
        state[tag] = race.read_text()
        keep()
        sys.exit("tag is immutable")
    state[tag] = "{BUILT}"
    keep()
"""
)


@dataclass
class Desk:
    """A folder of fake programs, what they were told, and what the build printed."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def install(self, name: str, body: str) -> None:
        program = self.folder / "bin" / name
        program.parent.mkdir(exist_ok=True)
        head = f"#!{sys.executable} -SE\nimport json, os, sys\nfrom pathlib import Path\nwords = sys.argv[1:]\n"
        told = f"folder = Path({str(self.folder)!r})\nwith (folder / 'told').open('a') as log:\n"
        told += f"    log.write(json.dumps([{name!r}, *words]) + '\\n')\n"
        program.write_text(head + told + body)
        program.chmod(0o755)

    def told(self, *first: str) -> list[list[str]]:
        """The calls that begin with these words."""
        log = self.folder / "told"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [call for call in calls if call[: len(first)] == list(first)]

    @property
    def tags(self) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / "tags.json").read_text())
        return found

    @tags.setter
    def tags(self, tags: dict[str, str]) -> None:
        (self.folder / "tags.json").write_text(json.dumps(tags))

    def run(self, build: str, source: Path, **values: str) -> tuple[Result, str]:
        """Run a build; also what it printed."""
        self.capture.readouterr()
        result = run(build, source, values, self.folder / "output")
        printed = self.capture.readouterr()
        return result, printed.out + printed.err


def desk_for(tmp_path: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose programs come first on the PATH."""
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(folder, capture)
    desk.tags = {}
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return desk


def files(folder: Path, **named: str | dict[str, Any]) -> Path:
    """Write files; `__` in a name is a slash, `_dot_` a dot."""
    for name, content in named.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder
