"""CodeBuild's operations and its CloudFormation resources, on a local cloud without Docker."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.builds import TRUST, Builder, phase, spec
from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, resources, unique

__all__ = ["plain"]

pytestmark = pytest.mark.local


def project(role: str, **more: Any) -> dict[str, Any]:
    return {
        "ServiceRole": role,
        "Source": {"Type": "CODEPIPELINE", "BuildSpec": spec("true")},
        "Artifacts": {"Type": "CODEPIPELINE"},
        "Environment": {
            "Type": "LINUX_CONTAINER",
            "Image": "aws/codebuild/standard:7.0",
            "ComputeType": "BUILD_GENERAL1_MEDIUM",
            "PrivilegedMode": True,
            "EnvironmentVariables": [
                {"Name": "A", "Value": "1"},
                {"Name": "B", "Value": "/b", "Type": "PARAMETER_STORE"},
                {"Name": "C", "Value": "c:key", "Type": "SECRETS_MANAGER"},
            ],
        },
        **more,
    }


def test_a_project_keeps_its_properties_and_an_update_resets_those_that_the_template_no_longer_sets(
    plain: Plain,
) -> None:
    stack, codebuild, role = unique("project"), plain.client("codebuild"), plain.role(unique("build"), trust=TRUST)
    more = {
        "Description": "d",
        "TimeoutInMinutes": 7,
        "QueuedTimeoutInMinutes": 9,
        "EncryptionKey": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/k",
        "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "/own", "StreamName": "s"}},
        "Cache": {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
        "SecondarySources": [{"Type": "S3", "Location": "b/k", "SourceIdentifier": "other"}],
        "SecondaryArtifacts": [{"Type": "S3", "Location": "b", "ArtifactIdentifier": "docs"}],
        "SourceVersion": "v",
        "Tags": [{"Key": "a", "Value": "1"}],
    }
    name = plain.deploy(resources(Project=("AWS::CodeBuild::Project", project(role, **more))), stack)["Project"]
    found = codebuild.batch_get_projects(names=[name])["projects"][0]
    assert (found["timeoutInMinutes"], found["queuedTimeoutInMinutes"], found["description"]) == (7, 9, "d")
    assert found["logsConfig"]["cloudWatchLogs"]["groupName"] == "/own"
    assert found["cache"]["modes"] == ["LOCAL_DOCKER_LAYER_CACHE"]
    assert found["secondarySources"][0]["sourceIdentifier"] == "other"
    assert [variable.get("type") for variable in found["environment"]["environmentVariables"]][1:] == [
        "PARAMETER_STORE",
        "SECRETS_MANAGER",
    ]
    plain.deploy(resources(Project=("AWS::CodeBuild::Project", project(role))), stack)
    found = codebuild.batch_get_projects(names=[name])["projects"][0]
    assert (found["timeoutInMinutes"], found["queuedTimeoutInMinutes"], found["description"]) == (60, 480, "")
    assert found["logsConfig"] == {}
    assert found["cache"] == {"type": "NO_CACHE"}
    assert (found["secondarySources"], found["secondaryArtifacts"], found["sourceVersion"]) == ([], [], "")
    assert plain.delete(stack) == "DELETE_COMPLETE"
    assert codebuild.batch_get_projects(names=[name])["projectsNotFound"] == [name]


def test_a_report_group_of_a_template_is_created_updated_and_deleted(plain: Plain) -> None:
    stack, codebuild = unique("reports"), plain.client("codebuild")
    group = {"Name": unique("group"), "Type": "TEST", "ExportConfig": {"ExportConfigType": "NO_EXPORT"}}
    arn = plain.deploy(resources(Group=("AWS::CodeBuild::ReportGroup", group)), stack)["Group"]
    assert arn == f"arn:aws:codebuild:{REGION}:{ACCOUNT}:report-group/{group['Name']}"
    bucket = {"ExportConfigType": "S3", "S3Destination": {"Bucket": "b"}}
    plain.deploy(resources(Group=("AWS::CodeBuild::ReportGroup", {**group, "ExportConfig": bucket})), stack)
    found = codebuild.batch_get_report_groups(reportGroupArns=[arn])["reportGroups"][0]
    assert found["exportConfig"]["s3Destination"]["bucket"] == "b"
    assert plain.delete(stack) == "DELETE_COMPLETE"
    assert arn not in codebuild.list_report_groups()["reportGroups"]


def test_without_docker_a_build_is_only_recorded_and_its_message_explains_that_it_did_not_run(plain: Plain) -> None:
    builder = Builder(plain, spec("true"))
    build = builder.run()
    assert build["buildStatus"] == "STOPPED"
    context = phase(build, "PROVISIONING")["contexts"][0]
    assert context["statusCode"] == "RECORDED_ONLY"
    assert "no command of this build ran" in context["message"]


def test_overrides_change_the_build_but_not_the_project(plain: Plain) -> None:
    builder = Builder(plain, spec("true"))
    build = builder.run(
        sourceTypeOverride="S3",
        sourceLocationOverride="b/k",
        imageOverride="own:1",
        privilegedModeOverride=True,
        logsConfigOverride={"cloudWatchLogs": {"status": "ENABLED", "groupName": "/g", "streamName": "s"}},
    )
    assert build["source"]["location"] == "b/k"
    assert (build["environment"]["image"], build["environment"]["privilegedMode"]) == ("own:1", True)
    assert build["logs"]["groupName"] == "/g"
    assert build["logs"]["streamName"] == f"s/{build['id'].split(':')[1]}"
    found = builder.codebuild.batch_get_projects(names=[builder.name])["projects"][0]
    assert found["source"]["type"] == "NO_SOURCE"


def test_two_calls_with_the_same_token_start_one_build(plain: Plain) -> None:
    builder = Builder(plain, spec("true"))
    assert builder.start(idempotencyToken="t") == builder.start(idempotencyToken="t")


def test_the_initiator_is_the_principal_that_started_the_build(plain: Plain) -> None:
    builder, caller = Builder(plain, spec("true")), unique("caller")
    session = plain.session(plain.role(caller, {"Effect": "Allow", "Action": "codebuild:*", "Resource": "*"}))
    started = plain.client("codebuild", session).start_build(projectName=builder.name)["build"]
    assert started["initiator"] == f"{caller}/test"


@pytest.mark.parametrize("operation", ["stop_build", "retry_build"])
def test_a_build_that_does_not_exist_is_an_error(plain: Plain, operation: str) -> None:
    with pytest.raises(ClientError, match="Build not found"):
        getattr(plain.client("codebuild"), operation)(id="none:1")


def test_builds_that_do_not_exist_are_listed_as_not_found(plain: Plain) -> None:
    assert plain.client("codebuild").batch_get_builds(ids=["none:1"])["buildsNotFound"] == ["none:1"]
