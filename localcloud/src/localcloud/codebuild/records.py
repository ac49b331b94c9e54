"""The build records that BatchGetBuilds returns: written by the threads of builds, read by those of the API."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import codebuild

from localcloud.eventbridge import bus

SYMBOLS: tuple[str, ...] = (
    "ministack.services.codebuild:_build_arn",
    "ministack.services.codebuild:_build_id",
    "ministack.services.codebuild:_builds",
)

Record = dict[str, Any]
IN_PROGRESS, SUCCEEDED, FAILED, FAULT = "IN_PROGRESS", "SUCCEEDED", "FAILED", "FAULT"
STOPPED, TIMED_OUT = "STOPPED", "TIMED_OUT"
_COPIED_FROM_PROJECT = (
    "source",
    "secondarySources",
    "secondarySourceVersions",
    "environment",
    "cache",
    "serviceRole",
    "timeoutInMinutes",
    "queuedTimeoutInMinutes",
    "encryptionKey",
    "vpcConfig",
)
_guard = threading.RLock()
_numbers: dict[tuple[str, str, str], int] = {}


def create(project: Mapping[str, Any], initiator: str) -> Record:
    """Creates and returns the record of a build that was just submitted."""
    name, now = project["name"], time.time()
    build_id = codebuild._build_id(name)
    build: Record = {
        "id": build_id,
        "arn": codebuild._build_arn(build_id),
        "buildNumber": _number(name),
        "startTime": now,
        "currentPhase": "QUEUED",
        "buildStatus": IN_PROGRESS,
        "buildComplete": False,
        "projectName": name,
        "initiator": initiator,
        "phases": [],
        "logs": _logs(project, build_id.rsplit(":", 1)[-1]),
        "exportedEnvironmentVariables": [],
        "reportArns": [],
        "sourceVersion": project.get("sourceVersion", ""),
        **{key: copy.deepcopy(project[key]) for key in _COPIED_FROM_PROJECT if key in project},
    }
    begin_phase(build, "SUBMITTED")
    end_phase(build, SUCCEEDED)
    begin_phase(build, "QUEUED")
    with _guard:
        codebuild._builds[build_id] = build
    _emit_state_change(build)
    return build


def clear() -> None:
    """Resets the build numbers, which start at 1."""
    with _guard:
        _numbers.clear()


def _number(project: str) -> int:
    key = (get_account_id(), get_region(), project)
    with _guard:
        _numbers[key] = _numbers.get(key, 0) + 1
        return _numbers[key]


def _logs(project: Mapping[str, Any], build_uuid: str) -> Record:
    cloudwatch = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
    group = cloudwatch.get("groupName") or f"/aws/codebuild/{project['name']}"
    prefix = cloudwatch.get("streamName")
    stream = f"{prefix}/{build_uuid}" if prefix else build_uuid
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{stream}"
    shown: Record = {"cloudWatchLogs": cloudwatch}
    if cloudwatch.get("status") != "DISABLED":
        shown |= {"groupName": group, "streamName": stream, "cloudWatchLogsArn": arn}
    s3 = (project.get("logsConfig") or {}).get("s3Logs")
    return {**shown, "s3Logs": s3} if s3 else shown


def begin_phase(build: Record, kind: str) -> None:
    """Starts a phase."""
    with _guard:
        build["phases"].append({"phaseType": kind, "phaseStatus": IN_PROGRESS, "startTime": time.time()})
        build["currentPhase"] = kind


def end_phase(build: Record, status: str, code: str = "", message: str = "") -> None:
    """Ends the current phase."""
    with _guard:
        phase = build["phases"][-1]
        now = time.time()
        phase |= {"phaseStatus": status, "endTime": now, "durationInSeconds": round(now - phase["startTime"])}
        phase["contexts"] = [{"statusCode": code, "message": message}] if code or message else []


def change(build: Record, **members: Any) -> None:
    """Sets members of the record."""
    with _guard:
        build.update(members)


def finish(build: Record, status: str) -> None:
    """Completes the build. If it is already complete, nothing changes."""
    with _guard:
        if build["buildComplete"]:
            return
        phase = build["phases"][-1]
        if phase["phaseStatus"] == IN_PROGRESS:
            end_phase(build, status)
        now = time.time()
        build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
        build |= {"buildStatus": status, "currentPhase": "COMPLETED", "buildComplete": True, "endTime": now}
    _emit_state_change(build)


def snapshot(build: Record) -> Record:
    """Returns a copy that the build's thread does not change."""
    with _guard:
        return copy.deepcopy(build)


def _emit_state_change(build: Record) -> None:
    """Sends EventBridge the event `CodeBuild Build State Change`."""
    phases = [
        {"phase-type": phase["phaseType"], "phase-status": phase.get("phaseStatus", "")} for phase in build["phases"]
    ]
    detail = {
        "build-status": build["buildStatus"],
        "project-name": build["projectName"],
        "build-id": build["arn"],
        "current-phase": build["currentPhase"],
        "version": "1",
        "additional-information": {
            "build-complete": build["buildComplete"],
            "build-number": build["buildNumber"],
            "initiator": build["initiator"],
            "logs": {"group-name": build["logs"].get("groupName"), "stream-name": build["logs"].get("streamName")},
            "phases": phases,
        },
    }
    bus.emit("aws.codebuild", "CodeBuild Build State Change", detail, [build["arn"]])
