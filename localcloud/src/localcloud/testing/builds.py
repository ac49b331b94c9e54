"""Helpers for tests of builds: a project with its role, a build and its log."""

from __future__ import annotations

import datetime
import json
from typing import Any

from botocore.exceptions import ClientError

from localcloud.testing.cloud import Cloud, allow, until
from localcloud.testing.plain import ACCOUNT, REGION, Plain, unique

TRUST = {"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}
LOGS = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def spec(*commands: str, **more: Any) -> str:
    """Returns a buildspec as JSON, which is also YAML: the commands of the build phase, and other sections."""
    phases = {"build": {"commands": list(commands)}, **more.pop("phases", {})}
    return json.dumps({"version": "0.2", "env": {"shell": "bash"}, **more, "phases": phases})


class Builder:
    """A project and its service role, both created for one test."""

    def __init__(self, cloud: Plain, buildspec: str, *statements: dict[str, Any], **more: Any) -> None:
        self.cloud = cloud
        self.codebuild = cloud.client("codebuild")
        self.name = unique("build")
        self.role_name = unique("builder")
        self.role = cloud.role(self.role_name, *(statements or (LOGS,)), trust=TRUST)
        privileged = more.pop("privileged", False)
        variables = more.pop("variables", [])
        self.codebuild.create_project(
            name=self.name,
            source=more.pop("source", {"type": "NO_SOURCE"}) | {"buildspec": buildspec},
            artifacts=more.pop("artifacts", {"type": "NO_ARTIFACTS"}),
            environment={
                "type": "LINUX_CONTAINER",
                "image": more.pop("image", "aws/codebuild/amazonlinux-x86_64-standard:5.0"),
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": privileged,
                "environmentVariables": variables,
            },
            serviceRole=self.role,
            **more,
        )

    def start(self, **overrides: Any) -> str:
        build_id: str = self.codebuild.start_build(projectName=self.name, **overrides)["build"]["id"]
        return build_id

    def get(self, build_id: str) -> dict[str, Any]:
        build: dict[str, Any] = self.codebuild.batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def ended(self, build_id: str, seconds: float = 180) -> dict[str, Any]:
        until("the build ends", lambda: self.get(build_id)["buildComplete"], seconds)
        return self.get(build_id)

    def run(self, **overrides: Any) -> dict[str, Any]:
        return self.ended(self.start(**overrides))

    def log(self, build: dict[str, Any]) -> list[str]:
        """Returns the lines of the log; none if its stream does not exist yet."""
        logs = build["logs"]
        try:
            events = self.cloud.client("logs").get_log_events(
                logGroupName=logs["groupName"], logStreamName=logs["streamName"]
            )
        except ClientError:
            return []
        return [event["message"] for event in events["events"]]

    def wait_for_line(self, build_id: str, line: str) -> None:
        """Waits until the log contains the line."""
        until(f"the log contains {line}", lambda: line in self.log(self.get(build_id)))


def phase(build: dict[str, Any], kind: str) -> dict[str, Any]:
    found: dict[str, Any] = next(entry for entry in build["phases"] if entry["phaseType"] == kind)
    return found


def message(build: dict[str, Any], kind: str) -> str:
    contexts = phase(build, kind).get("contexts") or [{}]
    return str(contexts[0].get("message"))


def exported(build: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in build["exportedEnvironmentVariables"]}


def seconds(build_phase: dict[str, Any]) -> float:
    duration: datetime.timedelta = build_phase["endTime"] - build_phase["startTime"]
    return duration.total_seconds()


__all__ = ["LOGS", "REGISTRY", "Builder", "Cloud", "allow", "exported", "message", "phase", "seconds", "spec"]
