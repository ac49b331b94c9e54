"""The output of a step: the beginning for the API, and all of it in CloudWatch Logs, sent as the host's role.

docs.aws.amazon.com/systems-manager/latest/userguide/sysman-rc-setting-up-cwlogs.html
"""

from __future__ import annotations

import codecs
import logging
import threading
import time
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import clients, settings
from localcloud.ecs import credentials

MOST = {"stdout": 24_000, "stderr": 8_000}
"""Characters of the output in GetCommandInvocation."""
IN_LISTS = 2500
"""Characters of the output in ListCommandInvocations."""
CUT = "\n---Output truncated---"
BETWEEN = "\n----------ERROR-------\n"
_INTERVAL_SECONDS = 0.5
_MOST_EVENTS = 1000
_LONGEST = 200_000  # characters of an event: CloudWatch Logs takes 256 KB

logger = logging.getLogger("localcloud")


def cut(text: str, most: int) -> str:
    """Returns the beginning of a text; a shortened one says so and has at most `most` characters."""
    return text if len(text) <= most else text[: most - len(CUT)] + CUT


def in_list(stdout: str, stderr: str) -> str:
    """Returns the output of a plugin as lists show it."""
    return cut(stdout + (BETWEEN + stderr if stderr else ""), IN_LISTS)


class Stream:
    """One stream of output: text arrives in pieces, lines leave for a log stream."""

    def __init__(self, most: int, *, lines: bool) -> None:
        self._lines = lines
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._most = most
        self._kept = ""
        self._line = ""
        self._events: list[dict[str, Any]] = []

    def feed(self, data: bytes, *, final: bool = False) -> None:
        """Takes the next bytes."""
        text = self._decoder.decode(data, final)
        if len(self._kept) <= self._most:
            self._kept += text[: self._most + 1 - len(self._kept)]
        if not self._lines:
            return
        *lines, self._line = (self._line + text).split("\n")
        if (final or len(self._line) > _LONGEST) and self._line:
            lines, self._line = [*lines, self._line], ""
        now = int(time.time() * 1000)
        self._events += [{"timestamp": now, "message": line or " "} for line in lines]

    def take(self) -> list[dict[str, Any]]:
        """Returns the next events for the log stream."""
        taken, self._events = self._events[:_MOST_EVENTS], self._events[_MOST_EVENTS:]
        return taken

    @property
    def text(self) -> str:
        """The beginning of the output."""
        return cut(self._kept, self._most)


class Sink:
    """The output of one step.

    It is sent while the step runs. If the role may not write it, the step succeeds nevertheless, as on AWS, and the
    log of the local cloud has the reason.
    """

    def __init__(self, group: str, prefix: str, role_arn: str, instance_id: str, region: str) -> None:
        self.streams = {name: Stream(most, lines=bool(group)) for name, most in MOST.items()}
        self._group, self._prefix, self._region = group, prefix, region
        self._identity = (role_arn, instance_id)
        self._client: Any = None
        self._made: set[str] = set()
        self._guard, self._sending, self._ended = threading.Lock(), threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._send_all, daemon=True, name="localcloud-ssm-output")
        if group:
            self._thread.start()

    def feed(self, stream: str, data: bytes) -> None:
        """Takes the next bytes of `stdout` or `stderr`."""
        with self._guard:
            self.streams[stream].feed(data)

    def text(self, stream: str) -> str:
        """Returns the beginning of a stream."""
        with self._guard:
            return self.streams[stream].text

    def close(self) -> None:
        """Sends the rest, and returns when it is sent."""
        with self._guard:
            for stream in self.streams.values():
                stream.feed(b"", final=True)
        self._ended.set()
        if self._group:
            self._thread.join(30)

    def _send_all(self) -> None:
        try:
            while not self._ended.wait(_INTERVAL_SECONDS):
                self._flush()
            self._flush()
        except (ClientError, BotoCoreError, credentials.AssumeError) as error:
            logger.warning("output of a command was not written to the log group %s: %s", self._group, error)

    def _flush(self) -> None:
        with self._sending:
            for name, stream in self.streams.items():
                while True:
                    with self._guard:
                        events = stream.take()
                    if not events:
                        break
                    self._put(f"{self._prefix}/{name}", events)

    def _put(self, stream: str, events: list[dict[str, Any]]) -> None:
        if self._client is None:
            role_arn, instance_id = self._identity
            source = f"arn:aws:ec2:{self._region}:{role_arn.split(':')[4]}:instance/{instance_id}"
            keys = credentials.session(role_arn, instance_id, principal="ec2.amazonaws.com", source_arn=source)
            self._client = clients.client("logs", keys, self._region, user_agent_extra=settings.INNER)
        if stream not in self._made:
            self._open(stream)
        self._client.put_log_events(logGroupName=self._group, logStreamName=stream, logEvents=events)

    def _open(self, stream: str) -> None:
        """Creates the log stream, and the log group if it does not exist."""
        names = {"logGroupName": self._group, "logStreamName": stream}
        try:
            self._client.create_log_stream(**names)
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(**names)
        except self._client.exceptions.ResourceAlreadyExistsException:
            logger.debug("%s exists", stream)
        self._made.add(stream)
