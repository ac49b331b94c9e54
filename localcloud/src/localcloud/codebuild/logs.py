"""The log of a build: sent to CloudWatch Logs as the build's role while the build runs. Secrets appear as ***."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from localcloud.codebuild.errors import BuildError, api_error
from localcloud.codebuild.identity import Role

MASK = "***"
SHORTEST_SECRET = 3  # a shorter one would mask parts of many words
_INTERVAL_SECONDS = 0.25
_MAX_EVENTS = 1000


class Masker:
    """Replaces the values of secrets in text. Of a value with several lines every line is replaced."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def hide(self, values: Iterable[str]) -> None:
        """Adds values to mask."""
        lines = {line.strip() for value in values for line in (value, *value.splitlines())}
        known = {line for line in lines if len(line) >= SHORTEST_SECRET} | set(self._secrets)
        self._secrets = sorted(known, key=len, reverse=True)

    def __call__(self, line: str) -> str:
        """Returns the line with its secrets masked."""
        for secret in self._secrets:
            line = line.replace(secret, MASK)
        return line


class Lines:
    """Splits output into lines. Only whole lines are masked: a secret may arrive in two pieces."""

    def __init__(self, masker: Masker) -> None:
        self._masker = masker
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Returns the lines that this data completes."""
        *complete, self._rest = (self._rest + data).split(b"\n")
        return [self._masked(line) for line in complete]

    def end(self) -> list[str]:
        """Returns the last line if it has no newline."""
        rest, self._rest = self._rest, b""
        return [self._masked(rest)] if rest else []

    def _masked(self, line: bytes) -> str:
        return self._masker(line.decode("utf-8", "replace").rstrip("\r"))


class BuildLog:
    """The log stream of one build. If the role may not write to it, the build fails."""

    def __init__(self, role: Role, group: str, stream: str, *, enabled: bool = True) -> None:
        self.masker = Masker()
        self._lines = Lines(self.masker)
        self._role, self._group, self._stream, self._enabled = role, group, stream, enabled
        self._unsent: list[dict[str, Any]] = []
        self._all: list[str] = []
        self._guard = threading.Lock()
        self._sending = threading.Lock()
        self._ended = threading.Event()
        self._error: ClientError | None = None
        self._sender = threading.Thread(target=self._send_all, daemon=True, name="codebuild-log")

    def open(self) -> None:
        """Creates the stream, and the group if it does not exist, and starts to send.

        Raises:
            BuildError: if the role may not create them.
        """
        if self._enabled:
            try:
                self._create_stream()
            except ClientError as error:
                raise self._denied(error) from error
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

    def write(self, line: str) -> None:
        """Adds a line of CodeBuild's own."""
        self._add([self.masker(text) for text in f"[Container] {_now()} {line}".splitlines()])

    def output(self, data: bytes) -> None:
        """Adds output of a command."""
        self._add(self._lines.feed(data))

    def end_of_output(self) -> None:
        """Ends the output of a block of commands: the rest after its last newline is a line of its own."""
        self._add(self._lines.end())

    def check(self) -> None:
        """Raises `BuildError` if IAM has denied a call since the log was opened."""
        if self._error is not None:
            raise self._denied(self._error) from self._error

    def close(self) -> None:
        """Sends the remaining lines."""
        self._ended.set()
        if self._sender.is_alive():
            self._sender.join(timeout=30)

    def text(self) -> str:
        """Returns the whole log, for its copy in S3."""
        with self._guard:
            return "\n".join(self._all) + "\n"

    def _add(self, lines: list[str]) -> None:
        now = int(time.time() * 1000)
        with self._guard:
            self._all += lines
            self._unsent += [{"timestamp": now, "message": line or " "} for line in lines]

    def _send_all(self) -> None:
        while not self._ended.wait(_INTERVAL_SECONDS):
            self.flush()
        self.flush()

    def flush(self) -> None:
        """Sends the lines that have not been sent yet."""
        with self._sending:
            while self._enabled and self._error is None:
                with self._guard:
                    batch, self._unsent = self._unsent[:_MAX_EVENTS], self._unsent[_MAX_EVENTS:]
                if not batch:
                    return
                self._put(batch)

    def _put(self, batch: list[dict[str, Any]]) -> None:
        names = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            self._role.client("logs").put_log_events(**names, logEvents=batch)
        except ClientError as error:
            self._error = error

    def _denied(self, error: ClientError) -> BuildError:
        return api_error(error, self._role.arn, f"write Amazon CloudWatch Logs ({self._group}:{self._stream})")


def _now() -> str:
    return time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime())
