"""Only builds that get the assembly of one named branch may assume the roles of the CDK's bootstrap."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache

import pytest

from policy.pipelines import findings
from tests.support.synthesis import Json, synthesis

RULE = "only-the-assembly-deploys"
PIPELINE = "allthrive-infrastructure"


@cache
def _synthesized() -> Json:
    section = {"repository": {"owner": "allthrive-ai", "name": "platform"}}
    found = synthesis({"pipeline.infrastructure": section}, tooling=True)
    return dict(found["tooling-allthrive-delivery"])


@pytest.fixture
def template() -> Json:
    return copy.deepcopy(_synthesized())


def pipeline(template: Json) -> Json:
    (found,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline" and resource["Properties"]["Name"] == PIPELINE
    ]
    return dict(found)


def policy(template: Json, role: str) -> list[Json]:
    """Returns the statements of the role whose logical id begins with a text."""
    (found,) = [
        resource["Properties"]["PolicyDocument"]["Statement"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(role)
    ]
    return list(found) if not isinstance(found, list) else found


def why(template: Json) -> list[str]:
    return [finding.message for finding in findings(template, {"Production"}) if finding.rule == RULE]


def test_the_flow_has_no_finding(template: Json) -> None:
    deploys = policy(template, "InfrastructureProductionDeployRole")

    assert any("cdk-hnb659fds-deploy-role" in str(statement) for statement in deploys)
    assert findings(template, {"Production"}) == []


def _pull_requests(template: Json) -> None:
    git = pipeline(template)["Triggers"][0]["GitConfiguration"]
    git["PullRequest"] = [{"Branches": {"Includes": ["main"]}, "Events": ["OPEN"]}]


def _branches(template: Json) -> None:
    pipeline(template)["Triggers"][0]["GitConfiguration"]["Push"] = [{"Branches": {"Includes": ["release/*"]}}]


def _code(template: Json) -> None:
    (stage,) = [stage for stage in pipeline(template)["Stages"] if stage["Name"] == "Production"]
    stage["Actions"][0]["InputArtifacts"].append({"Name": "Source"})


def _granted(template: Json, role: str) -> None:
    own = policy(template, "InfrastructureProductionDeployRole")
    granted = next(statement for statement in own if statement.get("Sid") == "DeployStacks")
    policy(template, role).append(granted)


def _another_build(template: Json) -> None:
    _granted(template, "MainTestBackendRole")


def _a_function(template: Json) -> None:
    _granted(template, "ReportFailureRole")


def _wildcard(template: Json) -> None:
    policy(template, "InfrastructureProductionDeployRole").append(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::111122223333:role/*"}
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_pull_requests, "a pull request starts"),
        (_branches, "more than one named branch"),
        (_code, "has the repository's code"),
        (_another_build, "has the repository's code"),
        (_a_function, "may deploy stacks"),
        (_wildcard, "name each role"),
    ],
)
def test_every_other_way_to_the_roles_is_found(template: Json, change: Callable[[Json], None], reason: str) -> None:
    change(template)

    assert any(reason in message for message in why(template))
