"""Commands and their invocations, in memory and on disk.

The files serve only to show the commands of a process that has ended: an invocation that was in progress is marked as
failed, and nothing is started again.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localcloud import settings

PENDING, IN_PROGRESS, DELAYED, CANCELLING = "Pending", "InProgress", "Delayed", "Cancelling"
SUCCESS, FAILED, CANCELLED, TIMED_OUT = "Success", "Failed", "Cancelled", "TimedOut"
# Details of a status, if they differ from it: monitor-commands.html, "Understanding command statuses".
EXECUTION_TIMED_OUT, DELIVERY_TIMED_OUT = "ExecutionTimedOut", "DeliveryTimedOut"
UNDELIVERABLE, TERMINATED, INCOMPLETE = "Undeliverable", "Terminated", "Incomplete"
NO_INSTANCES = "NoInstancesInTag"
TERMINAL = frozenset({SUCCESS, FAILED, CANCELLED, TIMED_OUT})
INTERRUPTED = (
    "The local cloud was restarted while this command ran. What the command had already done was not undone. Send it "
    "again.\n"
)

logger = logging.getLogger("localcloud")


@dataclass
class PluginRun:
    """A step of a document in one invocation."""

    name: str
    status: str = PENDING
    details: str = PENDING
    code: int = -1
    started: float = 0.0
    ended: float = 0.0
    stdout: str = ""
    stderr: str = ""

    def end(self, status: str, details: str, code: int) -> None:
        """Ends the step."""
        self.code, self.ended = code, time.time()
        self.details, self.status = details, status


@dataclass
class Invocation:
    """A copy of a command for one managed node."""

    instance_id: str
    instance_name: str
    plugins: list[PluginRun]
    requested: float
    status: str = PENDING
    details: str = PENDING
    trace: str = ""
    offered: float = 0.0
    """When the system first tried to deliver it; 0 while other nodes take their turn."""

    @property
    def over(self) -> bool:
        """True if the status is terminal."""
        return self.status in TERMINAL

    def end(self, status: str, details: str = "", trace: str = "") -> None:
        """Ends the invocation, and its steps that have not ended."""
        for plugin in self.plugins:
            if plugin.status not in TERMINAL:
                plugin.end(status, details or status, plugin.code)
        self.trace, self.details, self.status = trace or self.trace, details or status, status


@dataclass
class Command:
    """A command that was sent to managed nodes."""

    id: str
    place: tuple[str, str]
    """Account and region."""
    document: str
    version: str
    parameters: dict[str, list[str]]
    instance_ids: list[str]
    targets: list[dict[str, Any]]
    delivery_seconds: float
    expires: float
    max_concurrency: str = "50"
    max_errors: str = "0"
    comment: str = ""
    log_group: str = ""
    """The log group of the output; empty if the output is not sent to CloudWatch Logs."""
    requested: float = field(default_factory=time.time)
    status: str = PENDING
    details: str = PENDING
    invocations: dict[str, Invocation] = field(default_factory=dict)
    association: str = ""

    @property
    def over(self) -> bool:
        """True if the status is terminal."""
        return self.status in TERMINAL

    def to_json(self) -> dict[str, Any]:
        """Returns the command as data for a file."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Command:
        """Returns the command of a file."""
        invocations = {
            key: Invocation(**{**value, "plugins": [PluginRun(**plugin) for plugin in value["plugins"]]})
            for key, value in data["invocations"].items()
        }
        account, region = data["place"]
        return Command(**{**data, "place": (account, region), "invocations": invocations})


class Store:
    """All commands. Code that reads or changes them must hold `changed`, and notify it after a change."""

    def __init__(self, folder: Path | None) -> None:
        self.changed = threading.Condition(threading.RLock())
        self.commands: dict[str, Command] = {}
        self._folder = folder

    def of(self, place: tuple[str, str]) -> list[Command]:
        """Returns the commands of an account and region, the newest first."""
        found = [command for command in self.commands.values() if command.place == place]
        return sorted(found, key=lambda command: command.requested, reverse=True)

    def add(self, command: Command) -> None:
        """Stores a new command."""
        with self.changed:
            self.commands[command.id] = command
            self.save(command)

    def save(self, command: Command) -> None:
        """Stores a changed command, unless it was cleared while it ran."""
        with self.changed:
            if self.commands.get(command.id) is command:
                self._write(command)
            self.changed.notify_all()

    def clear(self) -> None:
        """Deletes all commands."""
        with self.changed:
            self.commands.clear()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self.changed.notify_all()

    def load(self) -> int:
        """Reads the files of a previous process, fails commands in progress, and returns the number of these."""
        interrupted = 0
        for path in sorted(self._folder.glob("*.json")) if self._folder is not None else ():
            try:
                command = Command.from_json(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError, TypeError, KeyError):
                continue
            if not command.over:
                interrupted += 1
                fail(command)
            self.add(command)
        return interrupted

    def _write(self, command: Command) -> None:
        if self._folder is None:
            return
        path = self._folder / f"{command.id}.json"
        fresh = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh.write_text(json.dumps(command.to_json()), encoding="utf-8")
            fresh.replace(path)
        except OSError:  # the command continues; after a restart only an older state of it would be shown
            logger.exception("%s was not written", path)


def fail(command: Command) -> None:
    """Marks a command, and everything that is in progress in it, as failed."""
    for invocation in command.invocations.values():
        if not invocation.over:
            for plugin in invocation.plugins:
                if plugin.status not in TERMINAL:
                    plugin.stderr = (plugin.stderr + INTERRUPTED)[-len(INTERRUPTED) - 4000 :]
            invocation.end(FAILED, FAILED, INTERRUPTED)
    command.status = command.details = FAILED


STORE = Store(settings.current().state / "commands")
