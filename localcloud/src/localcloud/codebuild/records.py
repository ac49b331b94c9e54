"""The record of a build that BatchGetBuilds shows: changed by the build's thread, read by the API's."""

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
_OF_THE_PROJECT = (
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


def make(project: Mapping[str, Any], initiator: str) -> Record:
    """A build that was submitted just now."""
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
        **{key: copy.deepcopy(project[key]) for key in _OF_THE_PROJECT if key in project},
    }
    begin(build, "SUBMITTED")
    end(build, SUCCEEDED)
    begin(build, "QUEUED")
    with _guard:
        codebuild._builds[build_id] = build
    _tell(build)
    return build


def clear() -> None:
    """Count from one again."""
    with _guard:
        _numbers.clear()


def _number(project: str) -> int:
    key = (get_account_id(), get_region(), project)
    with _guard:
        _numbers[key] = _numbers.get(key, 0) + 1
        return _numbers[key]


def _logs(project: Mapping[str, Any], build_uuid: str) -> Record:
    declared = (project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
    group = declared.get("groupName") or f"/aws/codebuild/{project['name']}"
    prefix = declared.get("streamName")
    stream = f"{prefix}/{build_uuid}" if prefix else build_uuid
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:log-stream:{stream}"
    found: Record = {"cloudWatchLogs": declared}
    if declared.get("status") != "DISABLED":
        found |= {"groupName": group, "streamName": stream, "cloudWatchLogsArn": arn}
    s3 = (project.get("logsConfig") or {}).get("s3Logs")
    return {**found, "s3Logs": s3} if s3 else found


def begin(build: Record, kind: str) -> None:
    """A phase begins."""
    with _guard:
        build["phases"].append({"phaseType": kind, "phaseStatus": IN_PROGRESS, "startTime": time.time()})
        build["currentPhase"] = kind


def end(build: Record, status: str, code: str = "", message: str = "") -> None:
    """The phase that runs ends."""
    with _guard:
        phase = build["phases"][-1]
        now = time.time()
        phase |= {"phaseStatus": status, "endTime": now, "durationInSeconds": round(now - phase["startTime"])}
        phase["contexts"] = [{"statusCode": code, "message": message}] if code or message else []


def change(build: Record, **members: Any) -> None:
    """Set members of the record."""
    with _guard:
        build.update(members)


def finish(build: Record, status: str) -> None:
    """The build is over; the first end counts."""
    with _guard:
        if build["buildComplete"]:
            return
        phase = build["phases"][-1]
        if phase["phaseStatus"] == IN_PROGRESS:
            end(build, status)
        now = time.time()
        build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
        build |= {"buildStatus": status, "currentPhase": "COMPLETED", "buildComplete": True, "endTime": now}
    _tell(build)


def snapshot(build: Record) -> Record:
    """A copy to show."""
    with _guard:
        return copy.deepcopy(build)


def _tell(build: Record) -> None:
    """EventBridge's event of a changed state."""
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
