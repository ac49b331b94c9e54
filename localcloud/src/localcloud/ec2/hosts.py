"""The machines behind EC2 instances: which ones run, and commands in them. Systems Manager's agent builds on it.

A host is a container. `localcloud.ec2.machines` starts and stops them, and reports it here.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from docker.errors import APIError, DockerException, NotFound
from ministack.services import ec2

from localcloud import network

SYMBOLS: tuple[str, ...] = ("ministack.services.ec2:_tags",)

STDOUT, STDERR = "stdout", "stderr"
_RUNS = "/run/localcloud/commands"
#: Writes the number of its session, so that the whole session can be killed, and becomes the command.
_SESSION = f'mkdir -p {_RUNS} && echo $$ > "{_RUNS}/$0" && exec "$@"'
_KILL = f'pkill -KILL --session "$(cat "{_RUNS}/$0")"'
_POLL_SECONDS = 0.1
_DYING_SECONDS = 10.0

OnOutput = Callable[[str, bytes], None]
logger = logging.getLogger("localcloud")


class HostLostError(RuntimeError):
    """The host does not run, or ended while a command ran in it."""


class CancelledError(RuntimeError):
    """The caller cancelled the command; its processes are killed."""


@dataclass(frozen=True)
class Host:
    """A running host."""

    instance_id: str
    account: str
    region: str
    container_name: str
    address: str
    image_id: str
    instance_type: str
    role_arn: str
    """The role of the instance profile; empty if the instance has none."""
    started: float
    """When it started last, in seconds since 1970."""

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the instance has now."""
        listed = ec2._tags.get_scoped(self.account, self.region, self.instance_id) or []
        return {tag["Key"]: tag["Value"] for tag in listed}


_running: dict[str, Host] = {}
_guard = threading.Lock()
_started: list[Callable[[Host], None]] = []
_ended: list[Callable[[Host], None]] = []


def running(account: str = "", region: str = "") -> list[Host]:
    """Returns the hosts that run now and whose first boot is over, of one account and region if given."""
    with _guard:
        listed = list(_running.values())
    return [host for host in listed if account in ("", host.account) and region in ("", host.region)]


def find(instance_id: str) -> Host | None:
    """Returns a running host; None if no such host runs."""
    with _guard:
        return _running.get(instance_id)


def on_started(callback: Callable[[Host], None]) -> None:
    """Calls ``callback`` on a thread of its own whenever a host has started: after its user data at its first boot."""
    _started.append(callback)


def on_ended(callback: Callable[[Host], None]) -> None:
    """Calls ``callback`` on a thread of its own whenever a host has stopped or was terminated."""
    _ended.append(callback)


def report_started(host: Host) -> None:
    """Adds a host; only `localcloud.ec2.machines` calls it."""
    with _guard:
        _running[host.instance_id] = host
    _tell(_started, host)


def report_ended(instance_id: str) -> None:
    """Removes a host; only `localcloud.ec2.machines` calls it."""
    with _guard:
        host = _running.pop(instance_id, None)
    if host is not None:
        _tell(_ended, host)


def _tell(callbacks: Sequence[Callable[[Host], None]], host: Host) -> None:
    for callback in callbacks:
        threading.Thread(target=callback, args=(host,), daemon=True, name="localcloud-hosts").start()


def execute(
    instance_id: str,
    argv: Sequence[str],
    *,
    on_output: OnOutput = lambda _stream, _data: None,
    environment: Mapping[str, str] | None = None,
    folder: str = "/",
    timeout: float = 3600.0,
    cancelled: threading.Event | None = None,
) -> int:
    """Runs a command in a host as root and returns its exit code.

    ``on_output`` gets ``stdout`` or ``stderr`` and the bytes as they arrive, on another thread.

    Raises:
        HostLostError: if the host does not run, or ends while the command runs.
        TimeoutError: if the command runs longer than ``timeout`` seconds; it is killed with all its processes.
        CancelledError: if ``cancelled`` was set; the same.
    """
    host, client = find(instance_id), network.connect()
    if host is None or client is None:
        raise HostLostError(f"the instance {instance_id} does not run")
    session = uuid.uuid4().hex
    command = ["setsid", "--wait", "sh", "-c", _SESSION, session, *argv]
    settings = {"workdir": folder, "environment": dict(environment or {}), "user": "root"}
    run = _Run(client.api, host.container_name, command, settings, on_output)
    thread = threading.Thread(target=run.work, daemon=True, name="localcloud-host-command")
    thread.start()
    deadline = time.monotonic() + timeout
    while thread.is_alive():
        thread.join(_POLL_SECONDS)
        is_cancelled = cancelled is not None and cancelled.is_set()
        if thread.is_alive() and (is_cancelled or time.monotonic() > deadline):
            _kill(client, host, session)
            thread.join(_DYING_SECONDS)
            raise CancelledError("cancelled") if is_cancelled else TimeoutError(f"not ended after {timeout:g} s")
    return run.exit_code(host)


class _Run:
    """One command in a container."""

    def __init__(
        self, api: Any, container: str, argv: list[str], settings: Mapping[str, Any], on_output: OnOutput
    ) -> None:
        self._api, self._container, self._argv, self._on_output = api, container, argv, on_output
        self._settings = settings
        self._code: int | None = None
        self._error: Exception | None = None

    def work(self) -> None:
        """Runs the command to its end."""
        try:
            made = self._api.exec_create(self._container, self._argv, **self._settings)["Id"]
            for stdout, stderr in self._api.exec_start(made, stream=True, demux=True):
                for stream, data in ((STDOUT, stdout), (STDERR, stderr)):
                    if data:
                        self._on_output(stream, data)
            self._code = self._api.exec_inspect(made)["ExitCode"]
        except (DockerException, OSError) as error:
            self._error = error

    def exit_code(self, host: Host) -> int:
        """Returns the exit code of the command that has ended."""
        if self._error is not None or self._code is None or find(host.instance_id) is not host:
            raise HostLostError(f"the instance {host.instance_id} ended: {self._error or 'its container was stopped'}")
        return self._code


def _kill(client: Any, host: Host, session: str) -> None:
    try:
        client.containers.get(host.container_name).exec_run(["sh", "-c", _KILL, session], user="root")
    except (NotFound, APIError) as error:
        logger.debug("command in %s: %s", host.instance_id, error)
