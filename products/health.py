"""Health checks of services: the load balancer's check of a path, and ECS's check by a command in the container."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from products.base import Model, text

PATH_PATTERN = r"^/[^\s]*$"
_STATUS = r"^[2-4]\d\d(-[2-4]\d\d)?(,[2-4]\d\d(-[2-4]\d\d)?)*$"
# The load balancer's Host header is the task's address, so an untouched Django answers 400 (DisallowedHost) or 301
# (SECURE_SSL_REDIRECT) to it: docs/manifest.md. Without a path of its own, a product passes as soon as it answers.
_ANY_ANSWER = "200-499"
_LONGEST_COMMAND_TIMEOUT = 60
_FEWEST_PATH_FAILURES = 2
_SHELL_VARIABLE = re.compile(r"\$[A-Z{(]")


class HealthCheck(Model):
    """The checks by which ECS and the load balancer decide whether a task of a service is healthy.

    A service with paths is checked at `path` by the load balancer. With `command`, ECS runs a program in the container.
    A service may have both; ECS replaces a task that fails one of them. Timings then apply to both.
    """

    # Bounds: API models of ECS (HealthCheck) and Elastic Load Balancing (CreateTargetGroup, Matcher), 2026-11-30.
    path: str | None = text(PATH_PATTERN, "/api/v1/health/", default=None, max_length=1024)
    """Path that the load balancer requests; `/` by default for a service with paths."""
    status: str | None = text(_STATUS, '"200-399"', default=None)
    """Status codes of a healthy task, between 200 and 499, e.g. `"200,301"` or `"200-399"`. Default: `"200"` for a
    `path` that you write, `"200-499"` otherwise."""
    command: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Program that ECS runs in the container, with its arguments; exit code 0 means healthy."""
    interval_seconds: int | None = Field(default=None, ge=5, le=300)
    """Seconds between two checks. Default: 10 for a path, 30 for a command."""
    timeout_seconds: int | None = Field(default=None, ge=2, le=120)
    """Seconds after which a check has failed; less than the interval, and at most 60 for a command. Default: 5 for a
    path, 10 for a command."""
    healthy_after: int | None = Field(default=None, ge=2, le=10)
    """Consecutive successes after which the load balancer sends requests to a task. Default: 2."""
    unhealthy_after: int | None = Field(default=None, ge=1, le=10)
    """Consecutive failures after which a task is unhealthy; at least 2 for a path. Default: 3."""
    start_seconds: int | None = Field(default=None, ge=0, le=300)
    """Seconds after the start of a container in which failures of `command` do not count. Default: 60."""
    grace_seconds: int | None = Field(default=None, ge=0, le=2_147_483_647)
    """Seconds after the start of a task in which ECS does not replace it, whatever the load balancer reports.
    Default: 60."""


@dataclass(frozen=True)
class PathCheck:
    """The health check of a target group."""

    path: str
    status: str
    interval_seconds: int
    timeout_seconds: int
    healthy_after: int
    unhealthy_after: int
    grace_seconds: int


@dataclass(frozen=True)
class CommandCheck:
    """The health check of a container."""

    command: tuple[str, ...]
    interval_seconds: int
    timeout_seconds: int
    unhealthy_after: int
    start_seconds: int


@dataclass(frozen=True)
class Declared:
    """The keys about health checks in a service's section of the manifest."""

    section: HealthCheck | None
    health_path: str | None
    health_command: tuple[str, ...] | None
    port: int | None

    def path_check(self) -> PathCheck:
        """Returns the health check of the service's target group."""
        section = self.section or HealthCheck()
        path = section.path or self.health_path
        return PathCheck(
            path=path or "/",
            status=section.status or ("200" if path else _ANY_ANSWER),
            interval_seconds=section.interval_seconds or 10,
            timeout_seconds=section.timeout_seconds or 5,
            healthy_after=section.healthy_after or 2,
            unhealthy_after=section.unhealthy_after or 3,
            grace_seconds=60 if section.grace_seconds is None else section.grace_seconds,
        )

    def command_check(self) -> CommandCheck | None:
        """Returns the health check of the service's container; None without a command."""
        section = self.section or HealthCheck()
        command = section.command or self.health_command
        if not command:
            return None
        return CommandCheck(
            command=command,
            interval_seconds=section.interval_seconds or 30,
            timeout_seconds=section.timeout_seconds or 10,
            unhealthy_after=section.unhealthy_after or 3,
            start_seconds=60 if section.start_seconds is None else section.start_seconds,
        )

    def problems(self) -> Iterator[str]:
        """Yields an error message, beginning with a key, for each mistake."""
        yield from self._short_forms()
        yield from _command("health_command", self.health_command)
        if self.section is None:
            return
        section, command = self.section, self.command_check()
        if self.port is None and command is None and section.path is None:
            yield "health_check: it checks nothing; write command, or give the service a port and paths"
            return
        yield from _command("health_check.command", section.command)
        yield from _status(section.status)
        if self.port is None:
            yield from _only_of_paths(section)
        elif section.unhealthy_after is not None and section.unhealthy_after < _FEWEST_PATH_FAILURES:
            yield f"health_check.unhealthy_after: got {section.unhealthy_after}; a load balancer needs 2 or more"
        if command is None and section.start_seconds is not None:
            yield "health_check.start_seconds: only a command has it; for a path, write grace_seconds"
        yield from self._timings(command)

    def _short_forms(self) -> Iterator[str]:
        if self.section is None:
            return
        for short, key in (("health_path", "path"), ("health_command", "command")):
            if getattr(self, short) and getattr(self.section, key):
                yield f"{short}: health_check.{key} defines the same; remove one of the two"

    def _timings(self, command: CommandCheck | None) -> Iterator[str]:
        checks: dict[str, PathCheck | CommandCheck] = {}
        if self.port is not None:
            checks["path"] = self.path_check()
        if command is not None:
            checks["command"] = command
            if command.timeout_seconds > _LONGEST_COMMAND_TIMEOUT:
                yield f"health_check.timeout_seconds: got {command.timeout_seconds}; ECS allows 60 for a command"
        for kind, check in checks.items():
            if check.timeout_seconds >= check.interval_seconds:
                yield (
                    f"health_check.timeout_seconds: got {check.timeout_seconds}, which is not less than the {kind}'s "
                    f"interval_seconds, {check.interval_seconds}; raise interval_seconds or lower timeout_seconds"
                )


def _only_of_paths(section: HealthCheck) -> Iterator[str]:
    """Yields an error message for each key that only a service behind the load balancer has."""
    for key, instead in {
        "path": "write port and paths, or command instead of path",
        "status": "a command is healthy with exit code 0; remove status",
        "healthy_after": "one success of a command suffices; remove healthy_after",
        "grace_seconds": "for a command, write start_seconds",
    }.items():
        if getattr(section, key) is not None:
            yield f"health_check.{key}: the load balancer does not reach a service without a port; {instead}"


def _status(status: str | None) -> Iterator[str]:
    for part in (status or "").split(","):
        first, _, last = part.partition("-")
        if last and first > last:
            yield f"health_check.status: got '{part}'; write the lower code first: {last}-{first}"


def _command(key: str, command: tuple[str, ...] | None) -> Iterator[str]:
    """Yields an error message for a command that can never succeed."""
    if not command:
        return
    first = command[0]
    if first in ("CMD", "CMD-SHELL", "NONE"):
        instead = f"[sh, -c, {command[1]!r}]" if first == "CMD-SHELL" and len(command) > 1 else "[program, argument]"
        yield f"{key}: remove '{first}', which Slipway adds: write {instead}"
    elif len(command) == 1 and " " in first:
        yield f"{key}: got one word with spaces; write [{', '.join(first.split())}], or [sh, -c, '{first}']"
    elif first.rpartition("/")[2] == "celery" and any(_SHELL_VARIABLE.search(word) for word in command):
        yield f'{key}: no shell replaces the variable in it; write [sh, -c, "{" ".join(command)}"]'
