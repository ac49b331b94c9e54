"""A host's state between two steps: in `.slipway` below the folder of the releases, readable by root alone."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Iterator

from slipway_host.output import Failed, Output

NAME = ".slipway"


@dataclass
class State:
    """The releases of this host; written before and after anything changes."""

    current: str = ""
    """The release that ran healthy last; empty before the first one."""
    attempt: str = ""
    """The release whose containers are being started; it stays if this program is killed."""
    releases: list[str] = field(default_factory=list)
    """The releases that ran healthy, newest first."""
    files: list[str] = field(default_factory=list)
    """The files that releases have written."""
    generated: dict[str, list[str]] = field(default_factory=dict)
    """On MicroK8s: the ConfigMaps and Secrets of each release, as kind/name."""
    content: str = ""
    """A digest of the files and secrets that the current release runs with."""


class Memory:
    """The folder `.slipway`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        folder.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        if self.path.is_symlink() or self.path.stat().st_uid != os.geteuid():
            raise Failed(f"{self.path} is a link, or belongs to another user: a container may have made it; remove it")
        self.path.chmod(0o700)

    @contextlib.contextmanager
    def locked(self, output: Output) -> Iterator[None]:
        """Waits until no other step runs on this host; a step that was killed holds nothing."""
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                output.say("another step runs on this host; this one waits for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self) -> State:
        """Returns the state; an empty one if there is none, or none that can be read."""
        try:
            known = json.loads((self.path / "state.json").read_text(encoding="utf-8"))
            return State(**{name: known[name] for name in asdict(State()) if name in known})
        except (OSError, ValueError, TypeError):
            return State()

    def write(self, state: State) -> None:
        """Keeps the state, whatever happens next."""
        temporary = self.path / "state.json.new"
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(asdict(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(self.path / "state.json")

    def kept(self, kind: str, name: str) -> Path:
        """Returns the path of a record or bundle."""
        (self.path / kind).mkdir(mode=0o700, exist_ok=True)
        return self.path / kind / name

    def forget(self, kind: str, names: set[str]) -> None:
        """Removes the records or bundles except those with these names."""
        for path in (self.path / kind).glob("*"):
            if path.name not in names:
                path.unlink()

    @contextlib.contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """Gives an empty folder, which is removed at the end."""
        path = self.path / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)
