"""Build projects are created and updated."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.plain import Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def build(role: str, **more: Any) -> dict[str, Any]:
    return {
        "ServiceRole": role,
        "Source": {"Type": "NO_SOURCE", "BuildSpec": "version: 0.2"},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_SMALL",
            "PrivilegedMode": True,
            "EnvironmentVariables": [{"Name": "A", "Value": "1", "Type": "PLAINTEXT"}],
        },
        **more,
    }


def test_every_property_of_a_build_project_is_applied_and_updated(plain: Plain) -> None:
    stack, codebuild, role = unique("project"), plain.client("codebuild"), plain.role(unique("build"))
    more = {
        "QueuedTimeoutInMinutes": 60,
        "ConcurrentBuildLimit": 1,
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/builds"}},
        "Cache": {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    name = plain.deploy(resources(Project=("AWS::CodeBuild::Project", build(role, **more))), stack)["Project"]
    found = codebuild.batch_get_projects(names=[name])["projects"][0]
    assert found["environment"]["privilegedMode"] is True
    assert found["environment"]["environmentVariables"][0]["name"] == "A"
    assert found["source"]["buildspec"] == "version: 0.2"
    assert {"key": "a", "value": "1"} in found["tags"]
    plain.deploy(resources(Project=("AWS::CodeBuild::Project", build(role, TimeoutInMinutes=7))), stack)
    assert codebuild.batch_get_projects(names=[name])["projects"][0]["timeoutInMinutes"] == 7
