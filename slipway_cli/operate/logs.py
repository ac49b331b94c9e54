"""The log of a service, from CloudWatch Logs: recent and new events."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from products import Product, names
from slipway_cli.errors import usage
from slipway_cli.operate import clock
from slipway_cli.operate.errors import OperateError, code, passing
from slipway_cli.texts import plain
from slipway_cli.typed import again, command

Say = Callable[[str], None]
_TIME = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EVERY = 2.0  # seconds between two requests
_LATE = 10_000  # milliseconds: an event may be found this long after one with a later time
_TASK = 8  # characters of a task's id that tell tasks apart


def seconds(text: str) -> int:
    """Returns the seconds of a time like `10m`.

    Raises:
        CommandError: if the text is not a time.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise usage(f"--since '{plain(text)}' is not a time; write a number and s, m, h or d", again(since="10m"))
    return int(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True)
class Log:
    """The log of one service in one environment."""

    product: Product
    environment: str
    service: str

    @property
    def group(self) -> str:
        """The log group's name."""
        if self.on_hosts:
            return names.hosts_log_group(self.environment, self.product.name)
        return names.log_group(self.environment, self.product.name, self.service)

    @property
    def on_hosts(self) -> bool:
        """True if hosts run the service: then the group has the streams of all services, `container/host`."""
        return self.environment in self.product.on_hosts()

    def has(self, stream: str) -> bool:
        """True if a stream of the group is one of this service."""
        container = stream.partition("/")[0]
        own = rf"(.*-)?{re.escape(self.service)}(-\d+)?"  # as compose names containers, or as the manifest does
        return not self.on_hosts or re.fullmatch(own, container) is not None

    @cached_property
    def client(self) -> Any:
        """The client of CloudWatch Logs, in the environment's region."""
        return boto3.client("logs", region_name=self.product.environments[self.environment].region)

    def events(self, start: int) -> Iterator[dict[str, Any]]:
        """Yields the events since a time in milliseconds, oldest first."""
        pages = self.client.get_paginator("filter_log_events")
        try:
            for page in pages.paginate(logGroupName=self.group, startTime=start):
                yield from (
                    event for event in page.get("events") or [] if self.has(str(event.get("logStreamName", "")))
                )
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise
            raise OperateError(
                f"there is no log group {self.group}: {self.environment} is not deployed", command("status")
            ) from None


def read(log: Log, back: int, say: Say, *, follow: bool) -> None:
    """Print the events of the last `back` seconds; with `follow`, keep printing until interrupted."""
    start = int((clock.now().timestamp() - back) * 1000)
    printed: dict[str, int] = {}
    if not _print_new(log, start, printed, say) and not follow:
        say(f"nothing in {log.group} since {_when(start)}")
    while follow:
        clock.pause(_EVERY)
        newest = max(printed.values(), default=start)
        start = max(start, newest - _LATE)
        for event in [event for event, when in printed.items() if when < start]:
            del printed[event]
        try:
            _print_new(log, start, printed, say)
        except (ClientError, BotoCoreError) as error:
            if not passing(error):
                raise


def _print_new(log: Log, start: int, printed: dict[str, int], say: Say) -> bool:
    """Print the new events; returns True if there was one."""
    some = False
    for event in log.events(start):
        when, name = int(event["timestamp"]), str(event.get("eventId") or f"{event}")
        if name not in printed:
            printed[name], some = when, True
            task = str(event.get("logStreamName", "")).rpartition("/")[2][:_TASK]
            say(f"{_when(when)} {task} {_line(str(event['message']))}")
    return some


def _when(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _line(text: str) -> str:
    """Returns a message without control characters, which a terminal would execute; its indentation is kept."""
    kept = text.rstrip().replace("\r\n", "\n").replace("\t", "    ")
    return "".join(char for char in kept if char == "\n" or unicodedata.category(char)[0] != "C")
