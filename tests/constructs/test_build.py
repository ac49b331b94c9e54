"""A CodeBuild project that a pipeline runs."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Template

from slipway.build import Build
from tests.support.stack import empty_stack, only, properties
from tests.support.synthesis import Json

PROJECT = "AWS::CodeBuild::Project"
DEFAULTS: dict[str, Any] = {
    "name": "shop-main-test",
    "description": "any",
    "buildspec": {"version": "0.2", "phases": {"build": {"commands": ["true"]}}},
    "architecture": "arm64",
    "size": "small",
    "docker": True,
    "timeout": cdk.Duration.minutes(20),
    "variables": {"DIRECTORY": "backend"},
    "secrets": {"NPM_TOKEN": "shop/npm:token"},
    "log_retention": logs.RetentionDays.ONE_WEEK,
    "statements": [iam.PolicyStatement(sid="Own", actions=["ecr:PutImage"], resources=["arn:aws:ecr:::repository/a"])],
}


def build(**changes: Any) -> Template:
    stack = empty_stack()
    Build(stack, "Build", **{**DEFAULTS, **changes})
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return build()


@pytest.fixture(scope="module")
def changed() -> Template:
    """A build without containers and secrets, with a buildspec in its source."""
    return build(buildspec="ci/contract.yml", docker=False, secrets={}, architecture="x86_64", size="medium")


def rights(template: Template) -> dict[str, Json]:
    return {entry["Sid"]: entry for entry in properties(template, "AWS::IAM::Policy")["PolicyDocument"]["Statement"]}


def test_a_buildspec_can_be_part_of_the_template(template: Template) -> None:
    assert "true" in properties(template, PROJECT)["Source"]["BuildSpec"]


def test_a_buildspec_can_be_a_file_of_the_source(changed: Template) -> None:
    assert properties(changed, PROJECT)["Source"]["BuildSpec"] == "ci/contract.yml"


def test_codebuild_can_assume_the_role_for_this_project_only(template: Template) -> None:
    (trust,) = properties(template, "AWS::IAM::Role")["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert "project/shop-main-test" in json.dumps(trust["Condition"])


def test_the_role_may_write_the_log_read_the_secrets_and_do_what_its_statements_allow(template: Template) -> None:
    assert set(rights(template)) == {"WriteLog", "ReadSecrets", "Own"}
    assert json.dumps(rights(template)["ReadSecrets"]["Resource"]).count("shop/npm-??????") == 1


def test_without_secrets_the_role_may_read_none(changed: Template) -> None:
    assert "ReadSecrets" not in rights(changed)


@pytest.mark.parametrize("buildspec", ["ci/contract.yml", {"version": "0.2", "reports": {"junit": {}}}])
def test_the_role_may_write_reports_if_the_buildspec_may_have_some(buildspec: object) -> None:
    assert "report-group/shop-main-test-*" in json.dumps(rights(build(buildspec=buildspec))["WriteReports"]["Resource"])


def test_a_secret_is_a_reference_and_a_variable_is_plain_text(template: Template) -> None:
    variables = {entry["Name"]: entry for entry in properties(template, PROJECT)["Environment"]["EnvironmentVariables"]}

    assert (variables["NPM_TOKEN"]["Type"], variables["NPM_TOKEN"]["Value"]) == ("SECRETS_MANAGER", "shop/npm:token")
    assert (variables["DIRECTORY"]["Type"], variables["DIRECTORY"]["Value"]) == ("PLAINTEXT", "backend")


def test_the_log_group_has_a_retention_and_is_deleted_with_its_stack(template: Template) -> None:
    group = only(template, "AWS::Logs::LogGroup")

    assert (group["Properties"]["LogGroupName"], group["Properties"]["RetentionInDays"]) == (
        "/aws/codebuild/shop-main-test",
        7,
    )
    assert group["DeletionPolicy"] == "Delete"


def test_a_build_that_runs_containers_is_privileged_and_keeps_layers(template: Template) -> None:
    found = properties(template, PROJECT)

    assert found["Environment"]["PrivilegedMode"] is True
    assert found["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]}


def test_layers_are_not_kept_without_keep_layers() -> None:
    assert properties(build(keep_layers=False), PROJECT)["Cache"] == {"Type": "NO_CACHE"}


def test_a_build_without_containers_is_not_privileged(changed: Template) -> None:
    found = properties(changed, PROJECT)

    assert found["Environment"]["PrivilegedMode"] is False
    assert found["Cache"] == {"Type": "NO_CACHE"}


def test_architecture_and_size_choose_the_machine(template: Template, changed: Template) -> None:
    small, large = (properties(entry, PROJECT)["Environment"] for entry in (template, changed))

    assert (small["Type"], small["ComputeType"]) == ("ARM_CONTAINER", "BUILD_GENERAL1_SMALL")
    assert (large["Type"], large["ComputeType"]) == ("LINUX_CONTAINER", "BUILD_GENERAL1_MEDIUM")


@pytest.mark.parametrize(
    ("architecture", "kind"), [("arm64", "ARM_LAMBDA_CONTAINER"), ("x86_64", "LINUX_LAMBDA_CONTAINER")]
)
def test_a_build_on_lambda_compute_has_the_only_limits_that_codebuild_accepts(architecture: str, kind: str) -> None:
    found = properties(build(size="lambda", docker=False, architecture=architecture), PROJECT)

    assert (found["Environment"]["Type"], found["Environment"]["ComputeType"]) == (kind, "BUILD_LAMBDA_2GB")
    assert "lambda-standard:python3.13" in found["Environment"]["Image"]
    assert not {"TimeoutInMinutes", "QueuedTimeoutInMinutes"} & found.keys()
    assert found["Cache"] == {"Type": "NO_CACHE"}


def test_a_build_times_out_after_its_limit_or_half_an_hour_in_the_queue(template: Template) -> None:
    found = properties(template, PROJECT)

    assert (found["TimeoutInMinutes"], found["QueuedTimeoutInMinutes"]) == (20, 30)
