"""Docker's log driver awslogs on a host: lines of containers in CloudWatch Logs, written as the instance's role.

The daemon outside keeps them too, so that `docker logs` works. The host's /etc/docker/daemon.json has the default.
"""

from __future__ import annotations

import io
import json
import logging
import queue
import re
import tarfile
import threading
import time
from collections.abc import Mapping
from typing import Any

import docker
from botocore.exceptions import ClientError
from docker.errors import APIError, DockerException, NotFound

from localcloud import clients, settings
from localcloud.dockerfilter.container_rules import RefusedError, folded, mapping_or_empty
from localcloud.ec2 import machines, metadata
from localcloud.ec2.machines import Machine

LOG_LABEL = f"{settings.LABEL}.awslogs"
_OPTIONS = {
    "awslogs-create-group",
    "awslogs-group",
    "awslogs-multiline-pattern",
    "awslogs-region",
    "awslogs-stream",
    "max-buffer-size",
    "mode",
    "tag",
}
_LINE = 256 * 1024 - 26  # bytes of an event, docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference
_BATCH, _PAUSE_SECONDS = 500, 0.3
_EARLIER_SECONDS = 1.0  # by which a container may write before the daemon tells that it has started
logger = logging.getLogger("localcloud")
_followed: set[tuple[str, float]] = set()
_guard = threading.Lock()


class LogError(RuntimeError):
    """The log stream of a container cannot be created; the message says why."""


def _defaults(machine: Machine) -> dict[str, Any]:
    """Returns the content of the host's daemon.json."""
    try:
        stream, _stat = machines.container_of(machine).get_archive("/etc/docker/daemon.json")
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member is not None else None
            return dict(json.loads(content.read())) if content else {}
    except (NotFound, APIError):
        return {}
    except ValueError as error:
        raise RefusedError(f"/etc/docker/daemon.json of the host is not JSON: {error}") from error


def label(machine: Machine, host: dict[str, Any], image: str) -> dict[str, str]:
    """Returns the label of a container whose lines go to CloudWatch Logs, and takes the driver out of its settings.

    Raises:
        RefusedError: for options that the driver does not have.
    """
    config = folded(host.get("logconfig"), "LogConfig")
    default = _defaults(machine)
    driver = str(config.get("type") or default.get("log-driver") or "")
    if driver != "awslogs":
        return {}
    same = default.get("log-driver") == driver
    options = {**(default.get("log-opts") or {} if same else {}), **mapping_or_empty(config.get("config"))}
    if unknown := sorted(set(options) - _OPTIONS):
        raise RefusedError(f"unknown log opt '{unknown[0]}' for awslogs log driver")
    if not options.get("awslogs-group"):
        raise RefusedError("must specify a value for log opt 'awslogs-group'")
    host["logconfig"] = {"type": "json-file", "config": {}}
    return {LOG_LABEL: json.dumps({**options, "image": image})}


def _stream(options: Mapping[str, Any], container_id: str, name: str) -> str:
    """Returns the name of a container's stream: docs.docker.com/engine/logging/drivers/awslogs and log_tags."""
    if options.get("awslogs-stream"):
        return str(options["awslogs-stream"])
    values = {
        ".DaemonName": "docker",
        ".FullID": container_id,
        ".ID": container_id[:12],
        ".ImageName": str(options.get("image", "")),
        ".Name": name,
    }
    made = str(options.get("tag") or "{{.FullID}}")
    for key, value in values.items():
        made = value.join(re.split(r"\{\{\s*" + re.escape(key) + r"\s*\}\}", made))
    if "{{" in made:
        raise LogError(
            f"the tag {options['tag']} has a part that the local cloud does not know: use {', '.join(values)}"
        )
    return re.sub(r"[:*]", "_", made)


def _client(machine: Machine, options: Mapping[str, Any]) -> Any:
    return clients.client("logs", metadata.keys(machine), str(options.get("awslogs-region") or machine.region))


def open_stream(machine: Machine, container_id: str, name: str, labels: Mapping[str, str]) -> None:
    """Creates the log stream of a container that is about to start, under the name that it has now.

    Docker evaluates the tag at each start too: compose renames a container that replaces another in between.

    Raises:
        LogError: if the group does not exist, or the role may not write to it.
    """
    if LOG_LABEL not in labels:
        return
    options = json.loads(labels[LOG_LABEL])
    try:
        api = _client(machine, options)
        where = {"logGroupName": options["awslogs-group"], "logStreamName": _stream(options, container_id, name)}
        if str(options.get("awslogs-create-group", "")).lower() == "true":
            _create(api.create_log_group, logGroupName=options["awslogs-group"])
        _create(api.create_log_stream, **where)
    except (ClientError, ValueError) as error:
        raise LogError(f"failed to create Cloudwatch log stream: {error}") from error


def _create(create: Any, **arguments: Any) -> None:
    try:
        create(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def follow(machine: Machine, container_id: str, name: str, labels: Mapping[str, str], started: float) -> None:
    """Sends the lines of a container that has started, at this time, to its log stream, until it ends."""
    if LOG_LABEL not in labels:
        return
    start = (container_id, started)
    with _guard:
        if start in _followed:
            return
        _followed.add(start)
    options = json.loads(labels[LOG_LABEL])
    where = {"logGroupName": options["awslogs-group"], "logStreamName": _stream(options, container_id, name)}
    lines: queue.Queue[tuple[int, str] | None] = queue.Queue()
    for work, arguments in ((_read, (start, lines)), (_write, (machine, options, where, lines))):
        threading.Thread(target=work, args=arguments, daemon=True, name="localcloud-awslogs").start()


def _read(start: tuple[str, float], lines: queue.Queue[tuple[int, str] | None]) -> None:
    container_id, started = start
    try:
        api = docker.from_env(timeout=24 * 3600).api
        rest = b""
        for chunk in api.logs(container_id, stream=True, follow=True, since=started - _EARLIER_SECONDS):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                lines.put((int(time.time() * 1000), line[:_LINE].decode(errors="replace")))
        if rest:
            lines.put((int(time.time() * 1000), rest[:_LINE].decode(errors="replace")))
    except (DockerException, OSError) as error:
        logger.debug("log of %s: %s", container_id, error)
    finally:
        with _guard:
            _followed.discard(start)
        lines.put(None)


def _write(
    machine: Machine, options: Mapping[str, Any], where: Mapping[str, str], lines: queue.Queue[tuple[int, str] | None]
) -> None:
    over = False
    while not over:
        first = lines.get()
        time.sleep(_PAUSE_SECONDS)  # lines come in groups
        taken = [first]
        while len(taken) < _BATCH and not lines.empty():
            taken.append(lines.get())
        over = None in taken
        events = [{"timestamp": entry[0], "message": entry[1]} for entry in taken if entry is not None and entry[1]]
        try:
            if events:
                _client(machine, options).put_log_events(**where, logEvents=events)
        except (ClientError, ValueError, OSError) as error:
            logger.warning("instance %s: a container's log was not written: %s", machine.id, error)
