"""Fake programs that come first on the PATH: the AWS CLI with a registry, and a docker that pushes to it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builds.run import Result, run
from paths import ROOT
from tests.support import fake_programs

ALLTHRIVE = ROOT / "examples" / "allthrive"
URI = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend"
BUILT = "sha256:" + "b" * 64

_REPOSITORY = URI.partition("/")[2]
_REGISTRY = """\
registry = json.loads((folder / "tags.json").read_text())
def keep(repository, tag, digest):
    state = registry.setdefault(repository, {})
    if tag in state and state[tag] != digest and (folder / "moving").exists():
        from fnmatch import fnmatchcase
        if not any(fnmatchcase(tag, pattern) for pattern in (folder / "moving").read_text().split()):
            sys.exit("ImageTagAlreadyExistsException")
    state[tag] = digest
    (folder / "tags.json").write_text(json.dumps(registry))
def option(name):
    return words[words.index(name) + 1]
"""

AWS = (
    _REGISTRY
    + """
verb = words[1]
state = registry.get(option("--repository-name"), {}) if "--repository-name" in words else {}
if verb == "get-login-password":
    print("password")
elif verb == "describe-images":
    digests = sorted(set(state.values()))
    print(json.dumps({"imageDetails": [
        {"imageDigest": digest, "imageTags": [tag for tag in state if state[tag] == digest]} for digest in digests
    ] + [{"imageDigest": "sha256:untagged"}]}))
elif verb == "batch-get-image":
    digest = words[words.index("--image-ids") + 1].partition("=")[2]
    print(json.dumps({"images": [{"imageManifest": json.dumps({"digest": digest}), "imageManifestMediaType": "m"}]}))
elif verb == "put-image":
    tag, digest = option("--image-tag"), option("--image-digest")
    assert json.loads(Path(option("--image-manifest").removeprefix("file://")).read_text()) == {"digest": digest}
    keep(option("--repository-name"), tag, digest)
"""
)

DOCKER = (
    _REGISTRY
    + f"""
if words[0] == "login":
    assert sys.stdin.read() == "password\\n"
elif words[:2] == ["buildx", "version"]:
    sys.exit((folder / "no-buildx").exists())
elif words[:2] == ["buildx", "build"] and (folder / "by-content").exists():
    import hashlib
    files = sorted(file for file in Path(words[-1]).rglob("*") if file.is_file())
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    (folder / option("--tag").replace("/", "_")).write_text("sha256:" + digest)
elif words[0] == "create":
    if (folder / "no-image").exists():
        sys.exit("no such image")
    print("container")
elif words[0] == "export":
    if not (folder / "root").exists():
        sys.stdout.buffer.write(bytes(10240))  # a tar file without entries
        sys.exit()
    import tarfile
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as image:
        for file in sorted((folder / "root").rglob("*")):
            image.add(file, file.relative_to(folder / "root"), recursive=False)
elif words[0] == "push":
    uri, _, tag = words[-1].rpartition(":")
    repository, built, race = uri.partition("/")[2], folder / words[-1].replace("/", "_"), folder / "race"
    if race.exists():
        keep(repository, tag, race.read_text())
        sys.exit("tag is immutable")
    keep(repository, tag, built.read_text() if built.exists() else "{BUILT}")
"""
)


@dataclass
class Desk:
    """A folder of fake programs that record their calls, and the output of a build that runs with them."""

    folder: Path
    capture: pytest.CaptureFixture[str]

    def install(self, name: str, body: str) -> None:
        """Adds a fake program: Python code in which `words` are the arguments and `folder` is the desk's."""
        record = (
            f"words = sys.argv[1:]\nfolder = Path({str(self.folder)!r})\nwith (folder / 'calls').open('a') as log:\n"
        )
        record += f"    log.write(json.dumps([{name!r}, *words]) + '\\n')\n"
        fake_programs.install(self.folder / "bin" / name, record + body)

    def calls(self, *first: str) -> list[list[str]]:
        """Returns the recorded calls that begin with these words."""
        log = self.folder / "calls"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [call for call in calls if call[: len(first)] == list(first)]

    @property
    def repositories(self) -> dict[str, dict[str, str]]:
        """The digests by tag, for each repository."""
        found: dict[str, dict[str, str]] = json.loads((self.folder / "tags.json").read_text())
        return found

    @property
    def tags(self) -> dict[str, str]:
        """The digests by tag, in the repository of URI."""
        return self.repositories.get(_REPOSITORY, {})

    @tags.setter
    def tags(self, tags: dict[str, str]) -> None:
        (self.folder / "tags.json").write_text(json.dumps({_REPOSITORY: tags}))

    def only_these_move(self, *tags: str) -> None:
        """Makes all tags immutable except those that match these patterns; by default none is."""
        (self.folder / "moving").write_text(" ".join(tags))

    def run(self, build: str, source: Path, **values: str) -> tuple[Result, str]:
        """Runs a build; returns its result and its output."""
        self.capture.readouterr()
        result = run(build, source, values, self.folder / "output")
        printed = self.capture.readouterr()
        return result, printed.out + printed.err


def desk_for(tmp_path: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Returns a desk whose programs come first on the PATH."""
    folder = tmp_path / "desk"
    folder.mkdir()
    desk = Desk(folder, capture)
    desk.tags = {}
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return desk


def files(folder: Path, **named: str | dict[str, Any]) -> Path:
    """Writes files, whose names have `__` for a slash and `_dot_` for a dot; returns the folder."""
    for name, content in named.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder
