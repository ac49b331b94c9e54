"""The build's log: lines go to CloudWatch Logs while the build runs, as the build's role, with secrets as ***."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.errors import BuildError, refused
from localcloud.codebuild.identity import Role

MASK = "***"
SHORTEST_SECRET = 3  # a shorter one would mask half of every line
_EVERY_SECONDS = 0.25
_MOST_EVENTS = 1000


class Masker:
    """Replaces the values of secrets, and each line of a value of several lines."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def hide(self, values: Iterable[str]) -> None:
        """Mask these values from now on."""
        lines = {line.strip() for value in values for line in (value, *value.splitlines())}
        known = {line for line in lines if len(line) >= SHORTEST_SECRET} | set(self._secrets)
        self._secrets = sorted(known, key=len, reverse=True)

    def __call__(self, line: str) -> str:
        """The line as it may be shown."""
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line


class Lines:
    """Bytes in, whole lines out; secrets never come in halves."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that are complete now."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        return [self._shown(line) for line in complete]

    def end(self) -> list[str]:
        """The last line, if it had no end."""
        rest, self._rest = self._rest, b""
        return [self._shown(rest)] if rest else []

    def _shown(self, line: bytes) -> str:
        return self._masker(line.decode("utf-8", "replace").rstrip("\r"))


class BuildLog:
    """The stream of one build. A role that may not write it fails the build."""

    def __init__(self, role: Role, group: str, stream: str, *, enabled: bool = True) -> None:
        self.masker = Masker()
        self._lines = Lines(self.masker)
        self._role, self._group, self._stream, self._enabled = role, group, stream, enabled
        self._waiting: list[dict[str, Any]] = []
        self._kept: list[str] = []
        self._guard = threading.Lock()
        self._sending = threading.Lock()
        self._ended = threading.Event()
        self._error: ClientError | None = None
        self._sender = threading.Thread(target=self._send_all, daemon=True, name="codebuild-log")

    def open(self) -> None:
        """Make the stream, and the group where it is missing; begin to send."""
        if self._enabled:
            try:
                self._create_stream()
            except ClientError as error:
                raise self._refused(error) from error
        self._sender.start()

    def _create_stream(self) -> None:
        logs = self._role.client("logs")
        try:
            logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except logs.exceptions.ResourceNotFoundException:
            logs.create_log_group(logGroupName=self._group)
            logs.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except logs.exceptions.ResourceAlreadyExistsException:
            return

    def say(self, line: str) -> None:
        """One line of the service."""
        self._add([self.masker(text) for text in f"[Container] {_now()} {line}".splitlines()])

    def output(self, data: bytes) -> None:
        """What a command printed."""
        self._add(self._lines.feed(data))

    def end_of_output(self) -> None:
        """A block of commands is over: what has no newline is a line all the same."""
        self._add(self._lines.end())

    def check(self) -> None:
        """Raise if the role was refused in the meantime."""
        if self._error is not None:
            raise self._refused(self._error) from self._error

    def close(self) -> None:
        """Send what is left."""
        self._ended.set()
        if self._sender.is_alive():
            self._sender.join(timeout=30)

    def text(self) -> str:
        """The whole log, for a copy in S3."""
        with self._guard:
            return "\n".join(self._kept) + "\n"

    def _add(self, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        with self._guard:
            self._kept += lines
            self._waiting += [{"timestamp": now, "message": line or " "} for line in lines]

    def _send_all(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Send what waits."""
        with self._sending:
            while self._enabled and self._error is None:
                with self._guard:
                    batch, self._waiting = self._waiting[:_MOST_EVENTS], self._waiting[_MOST_EVENTS:]
                if not batch:
                    return
                self._put(batch)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        names = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            self._role.client("logs").put_log_events(**names, logEvents=batch)
        except ClientError as error:
            self._error = error

    def _refused(self, error: ClientError) -> BuildError:
        return refused(error, self._role.arn, f"write Amazon CloudWatch Logs ({self._group}:{self._stream})")


def _now() -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
