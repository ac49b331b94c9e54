"""A task's containers: every setting of the task definition, and an orderly stop with the real exit codes."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.types import Ulimit
from ministack.core.concurrency import resource_lock, spawn_background
from ministack.services import ecs

from localcloud import certificate_authorities, network, settings
from localcloud.ecs import draining

SYMBOLS = (
    "ministack.core.concurrency:resource_lock",
    "ministack.core.concurrency:spawn_background",
    "ministack.services.ecs:_ACTION_MAP",
    "ministack.services.ecs:_build_run_kwargs",
    "ministack.services.ecs:_cleanup_task_resources",
    "ministack.services.ecs:_get_docker",
    "ministack.services.ecs:_mark_task_stopped",
    "ministack.services.ecs:_refresh_service_state",
    "ministack.services.ecs:_cluster_name_from_arn",
    "ministack.services.ecs:_resolve_cluster_name",
    "ministack.services.ecs:_resolve_task",
    "ministack.services.ecs:_sanitize",
    "ministack.services.ecs:_stop_task",
    "ministack.services.ecs:_services",
    "ministack.services.ecs:_task_ip",
    "ministack.services.ecs:_task_is_active",
    "ministack.services.ecs:_tasks",
    "ministack.services.ecs:json_response",
)

Task = dict[str, Any]

DEFAULT_STOP_SECONDS = 30
STOP_LABEL = f"{settings.LABEL}.stop-seconds"
TASK_LABEL = f"{settings.LABEL}.task"
DEACTIVATING, STOPPING = "DEACTIVATING", "STOPPING"
_NANOSECONDS = 10**9
_LOG_DRAIN_SECONDS = 2.0  # time for the log forwarder to read the last lines before the container is removed

logger = logging.getLogger("localcloud")


# --- settings --------------------------------------------------------------------------------------------------------


def run_arguments(definition: Mapping[str, Any], container: Mapping[str, Any], task_id: str) -> dict[str, Any]:
    """Returns docker-py arguments for the settings of a container definition that MiniStack ignores."""
    arguments: dict[str, Any] = {
        "entrypoint": container.get("entryPoint"),
        "user": container.get("user"),
        "working_dir": container.get("workingDirectory"),
        "read_only": container.get("readonlyRootFilesystem") or None,
        "mem_limit": _memory(container.get("memory") or definition.get("memory")),
        "mem_reservation": _memory(container.get("memoryReservation")),
        # Shares rather than a limit, which would only slow down the container.
        "cpu_shares": int(container.get("cpu") or definition.get("cpu") or 0),
        "healthcheck": health_check(container.get("healthCheck")),
        "hostname": container.get("hostname"),
        "tty": container.get("pseudoTerminal"),
        "stdin_open": container.get("interactive"),
        "extra_hosts": {host["hostname"]: host["ipAddress"] for host in container.get("extraHosts") or ()} or None,
        "dns": container.get("dnsServers"),
        "sysctls": {item["namespace"]: item["value"] for item in container.get("systemControls") or ()} or None,
        "ulimits": [
            Ulimit(name=limit["name"], soft=int(limit["softLimit"]), hard=int(limit["hardLimit"]))
            for limit in container.get("ulimits") or ()
        ]
        or None,
        **_linux(container.get("linuxParameters") or {}),
    }
    arguments["labels"] = {
        **(container.get("dockerLabels") or {}),
        STOP_LABEL: str(container.get("stopTimeout") or DEFAULT_STOP_SECONDS),
        TASK_LABEL: task_id,
    }
    return {name: value for name, value in arguments.items() if value}


def _memory(mebibytes: Any) -> str | None:
    return f"{int(mebibytes)}m" if mebibytes else None


def health_check(check: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns a container health check in Docker's form, with ECS's defaults.

    Without one in the task definition the container has none: ECS ignores the image's own HEALTHCHECK.
    """
    if not check:
        return {"test": ["NONE"]}
    return {
        "test": check["command"],
        "interval": int(check.get("interval") or 30) * _NANOSECONDS,
        "timeout": int(check.get("timeout") or 5) * _NANOSECONDS,
        "retries": int(check.get("retries") or 3),
        "start_period": int(check.get("startPeriod") or 0) * _NANOSECONDS,
    }


def _linux(parameters: Mapping[str, Any]) -> dict[str, Any]:
    capabilities = parameters.get("capabilities") or {}
    mounts = {
        entry["containerPath"]: ",".join([f"size={entry['size']}m", *entry.get("mountOptions", [])])
        for entry in parameters.get("tmpfs") or ()
    }
    return {
        "init": parameters.get("initProcessEnabled"),
        "cap_drop": capabilities.get("drop"),
        "tmpfs": mounts,
        "shm_size": _memory(parameters.get("sharedMemorySize")),
    }


def empty_volumes(definition: Mapping[str, Any], container: Mapping[str, Any], task_id: str) -> list[str]:
    """Returns binds for task volumes without a host path: empty, writable, and shared by the task's containers."""
    volumes = definition.get("volumes") or ()
    named = {volume["name"] for volume in volumes if not (volume.get("host") or {}).get("sourcePath")}
    return [
        f"{volume_name(task_id, mount['sourceVolume'])}:{mount['containerPath']}:{_mode(mount)}"
        for mount in container.get("mountPoints") or ()
        if mount.get("sourceVolume") in named
    ]


def _mode(mount: Mapping[str, Any]) -> str:
    return "ro" if mount.get("readOnly") else "rw"


def volume_name(task_id: str, volume: str) -> str:
    """Returns the name of the Docker volume for a task volume."""
    return f"localcloud-{task_id}-{volume}"


def _complete(
    arguments: dict[str, Any], definition: Mapping[str, Any], container: Mapping[str, Any], task: str
) -> None:
    extra = run_arguments(definition, container, task)
    arguments["labels"] = {**extra.pop("labels"), **arguments["labels"]}
    arguments.update(extra)
    _share_network(arguments, definition)
    arguments.pop("platform", None)  # images are built for this machine's architecture, not the task definition's
    volumes = empty_volumes(definition, container, task)
    for bind in volumes:
        ecs._get_docker().volumes.create(
            bind.split(":")[0], labels={**network.labels(settings.current()), TASK_LABEL: task}
        )
    arguments["volumes"] = [*(arguments.get("volumes") or []), *volumes, certificate_authorities.bind()]
    for name, value in certificate_authorities.variables().items():
        arguments["environment"].setdefault(name, value)


def _share_network(arguments: dict[str, Any], definition: Mapping[str, Any]) -> None:
    """Containers of an awsvpc task share the network interface of the first container."""
    task = ecs._tasks.get(arguments["labels"]["com.amazonaws.ecs.task-arn"]) or {}
    first = next(iter(task.get("_docker_ids") or ()), None)
    if first and definition.get("networkMode") == "awsvpc":
        for name in ("network", "hostname", "extra_hosts", "dns", "ports"):
            arguments.pop(name, None)
        arguments["network_mode"] = f"container:{first}"


# --- stopping --------------------------------------------------------------------------------------------------------


def begin_stop(task: Task, reason: str, stop_code: str) -> None:
    """Drain open requests, send SIGTERM, and SIGKILL after the stop timeout; then mark the task as STOPPED."""
    with resource_lock("ecs-task", task["taskArn"]):
        if not ecs._task_is_active(task["taskArn"], task):
            return
        task["desiredStatus"] = "STOPPED"
        task["lastStatus"] = DEACTIVATING
        task["stoppedReason"], task["stopCode"] = reason, stop_code
    ecs._refresh_service_state(ecs._cluster_name_from_arn(task["clusterArn"]), task.get("group", ""))
    spawn_background(_finish_stop, task, reason, stop_code, thread_name="localcloud-ecs-stop")


def _finish_stop(task: Task, reason: str, stop_code: str) -> None:
    draining.wait(str(ecs._task_ip(task) or ""), draining.delay(_groups(task)))
    task["lastStatus"] = STOPPING
    client = ecs._get_docker()
    identifiers = list(task.get("_docker_ids") or ()) if client else []
    with ThreadPoolExecutor(max_workers=max(1, len(identifiers))) as pool:
        codes = list(pool.map(lambda identifier: _stop_container(client, identifier), identifiers))
    for container, code in zip(task.get("containers", []), codes, strict=False):
        if code is not None and container.get("exitCode") is None:
            container["exitCode"] = code
    task["desiredStatus"] = "RUNNING"  # otherwise _mark_task_stopped regards the task as stopped already
    ecs._mark_task_stopped(task["taskArn"], task, reason, stop_code)
    ecs._cleanup_task_resources(task, client)


def _groups(task: Task) -> list[str]:
    """Returns the target groups in which the task is registered."""
    name = str(task.get("group", "")).removeprefix("service:")
    service = ecs._services.get(f"{ecs._cluster_name_from_arn(task['clusterArn'])}/{name}") or {}
    balancers = service.get("loadBalancers") or ()
    return [balancer["targetGroupArn"] for balancer in balancers if balancer.get("targetGroupArn")]


def _stop_container(client: Any, identifier: str) -> int | None:
    """Stops a container with the stop timeout in its label; returns its exit code."""
    try:
        container: Container = client.containers.get(identifier)
        container.stop(timeout=int(container.labels.get(STOP_LABEL, DEFAULT_STOP_SECONDS)))
        container.reload()
        return int(container.attrs["State"]["ExitCode"])
    except (NotFound, APIError):
        return None


def _cleanup(task: Task, _client: Any, extra_container: Any = None) -> None:
    """Stop and remove the containers of a task, for example when its essential container has just ended."""
    with resource_lock("ecs-task", task.get("taskArn", "")):
        identifiers = [identifier for identifier in task.get("_docker_ids") or () if identifier]
        task["_docker_ids"] = []
    if extra_container is not None:
        identifiers.append(extra_container.id)
    for token in task.pop("_metadata_tokens", None) or ():
        ecs.ecs_metadata.unregister_token(token)
    client = ecs._get_docker()
    if client is not None:
        spawn_background(_remove, client, task, identifiers, thread_name="localcloud-ecs-cleanup")


def _remove(client: Any, task: Task, identifiers: list[str]) -> None:
    for identifier in identifiers:
        _stop_container(client, identifier)
        _note_memory(client, task, identifier)
    time.sleep(_LOG_DRAIN_SECONDS)
    for identifier in identifiers:
        try:
            client.containers.get(identifier).remove(v=True, force=True)
        except (NotFound, APIError) as error:
            logger.debug("container %s: %s", identifier, error)
    task_id = task["taskArn"].rsplit("/", 1)[-1]
    for volume in client.volumes.list(filters={"label": f"{TASK_LABEL}={task_id}"}):
        try:
            volume.remove(force=True)
        except APIError as error:
            logger.debug("volume %s: %s", volume.name, error)


def _note_memory(client: Any, task: Task, identifier: str) -> None:
    try:
        state = client.containers.get(identifier).attrs["State"]
    except (NotFound, APIError):
        return
    for container in task.get("containers", []):
        if state.get("OOMKilled") and container.get("runtimeId") == identifier[:12]:
            container["reason"] = "OutOfMemoryError: Container killed due to memory usage"


# --- installation ----------------------------------------------------------------------------------------------------


def _api_stop(data: dict[str, Any]) -> Any:
    cluster = ecs._resolve_cluster_name(data.get("cluster", "default"))
    task = ecs._resolve_task(data.get("task", ""), cluster) if cluster else None
    if task is None or not ecs._get_docker():
        return _original_stop(data)
    code = data.get("_stop_code", "UserInitiated")
    begin_stop(task, data.get("reason") or "Task stopped by user", code)
    return ecs.json_response({"task": ecs._sanitize(copy.copy(task))})


_original_stop = ecs._stop_task
_installed = threading.Event()


def install() -> None:
    """Replace how MiniStack creates and stops containers."""
    if _installed.is_set():
        return
    _installed.set()
    original_arguments = ecs._build_run_kwargs

    def arguments(container: Any, definition: Any, *rest: Any, **named: Any) -> Any:
        built = original_arguments(container, definition, *rest, **named)
        task_id = built["labels"]["com.amazonaws.ecs.task-arn"].rsplit("/", 1)[-1]
        _complete(built, definition, container, task_id)
        return built

    original_mark = ecs._mark_task_stopped

    def mark_stopped(arn: str, task: Task, reason: str, *rest: Any, **named: Any) -> Any:
        wording = "Essential container in task exited" if reason == "Essential container exited" else reason
        return original_mark(arn, task, wording, *rest, **named)

    ecs._mark_task_stopped = mark_stopped
    ecs._build_run_kwargs = arguments
    ecs._cleanup_task_resources = _cleanup
    ecs._stop_task = _api_stop
    ecs._ACTION_MAP["StopTask"] = _api_stop
