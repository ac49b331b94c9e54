"""Our rules for pipelines find problems that CDK and cfn-lint miss, and none in the shipped products."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from policy.pipelines import findings
from products.flows import deliveries
from products.names import pascal
from tests.support.synthesis import PRODUCTS, Json, listed, shipped

PROTECTED = {"Production"}


def delivery(product: str = "allthrive") -> Json:
    return copy.deepcopy(shipped(product)[f"tooling-{product}-delivery"])


def pipeline(template: Json, name: str = "allthrive-main") -> Json:
    (found,) = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CodePipeline::Pipeline" and resource["Properties"]["Name"] == name
    ]
    return dict(found)


def stage(template: Json, name: str) -> Json:
    (found,) = [stage for stage in pipeline(template)["Stages"] if stage["Name"] == name]
    return found if isinstance(found, dict) else {}


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_shipped_products_have_no_finding(product: str) -> None:
    manifest = shipped(product).product
    protected = {pascal(name) for name, environment in manifest.environments.items() if environment.protected}

    assert deliveries(manifest)
    assert findings(delivery(product), protected) == []


def test_parallel_runs_that_roll_back_are_found() -> None:
    template = delivery()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::CodePipeline::Pipeline":
            resource["Properties"]["ExecutionMode"] = "PARALLEL"

    found = findings(template, PROTECTED)

    assert {finding.rule for finding in found} == {"parallel-without-rollback"}
    assert any("stage Production" in finding.message for finding in found)


def condition(provider: str, **more: str) -> Json:
    rule = {
        "Name": "Gate",
        "RuleTypeId": {"Category": "Rule", "Owner": "AWS", "Provider": provider, **more},
        "Configuration": {},
    }
    return {"Conditions": [{"Result": "FAIL", "Rules": [rule]}]}


@pytest.mark.parametrize("place", ["BeforeEntry", "OnSuccess", "OnFailure"])
def test_a_rule_without_a_version_is_found(place: str) -> None:
    template = delivery()
    stage(template, "Production")[place] = condition("VariableCheck")

    (found,) = findings(template, PROTECTED)

    assert (found.rule, "version='1'" in found.message) == ("rule-has-version", True)


@pytest.mark.parametrize(
    ("provider", "call"),
    [
        ("LambdaInvoke", "lambda:InvokeFunction"),
        ("CloudWatchAlarm", "cloudwatch:DescribeAlarms"),
        ("CodeBuild", "codebuild:StartBuild"),
        ("Commands", "codebuild:StartBuild"),
    ],
)
def test_a_rule_whose_role_may_not_call_its_provider_is_found(provider: str, call: str) -> None:
    template = delivery()
    stage(template, "Production")["BeforeEntry"] = condition(provider, Version="1")

    (found,) = findings(template, PROTECTED)

    assert (found.rule, call in found.message) == ("rule-has-grants", True)


def test_a_rule_that_makes_no_call_needs_no_grant() -> None:
    template = delivery()
    stage(template, "Production")["BeforeEntry"] = condition("VariableCheck", Version="1")

    assert findings(template, PROTECTED) == []


@pytest.mark.parametrize("name", ["codeconnections:UseConnection", "codestar-connections:UseConnection"])
def test_a_source_that_may_not_use_its_connection_is_found(name: str) -> None:
    template = delivery()
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::IAM::Policy":
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                statement["Action"] = [action for action in listed(statement["Action"]) if action != name]

    found = findings(template, PROTECTED)

    assert {finding.rule for finding in found} == {"source-uses-connection"}
    assert all(name in finding.message for finding in found)


def wildcard(git: Json) -> None:
    git["Push"][0]["Branches"]["Includes"] = ["release/**"]


def pull_request(git: Json) -> None:
    git["PullRequest"] = [{"Branches": {"Includes": ["main"]}}]


def tag(git: Json) -> None:
    git["Push"] = [{"Tags": {"Includes": ["v*"]}}]


def anything(git: Json) -> None:
    git["Push"] = [{}]


@pytest.mark.parametrize("widen", [wildcard, pull_request, tag, anything])
def test_only_one_named_branch_may_reach_production(widen: Callable[[Any], None]) -> None:
    template = delivery()
    widen(pipeline(template)["Triggers"][0]["GitConfiguration"])

    found = findings(template, PROTECTED)

    # A pull request that may be deployed also publishes to the repository of what is deployed.
    also = {"candidates-apart"} if widen is pull_request else set()
    assert {finding.rule for finding in found} == {"branch-reaches-production", *also}


def test_a_build_of_other_branches_that_writes_mains_repository_is_found() -> None:
    template = json.loads(
        json.dumps(delivery()).replace("allthrive/builds/branches/backend", "allthrive/builds/backend")
    )

    (found,) = findings(template, PROTECTED)

    assert (found.rule, found.resource.startswith("FeatureTestBuildBackend")) == ("branches-write-apart", True)
    assert "repository/allthrive/builds/backend" in found.message


@pytest.mark.parametrize("other", ["ame-timesheets", "*"])
def test_a_build_of_pull_requests_that_writes_what_another_role_uses_is_found(other: str) -> None:
    template = delivery("ame-timesheets")
    assert findings(template, PROTECTED) == []

    changed = json.dumps(template).replace("repository/ame-timesheets/candidates", f"repository/{other}")
    found = {(finding.rule, finding.resource[:18]) for finding in findings(json.loads(changed), PROTECTED)}

    assert ("candidates-apart", "PullRequestPublish") in found


def test_a_wildcard_that_ends_before_production_is_fine() -> None:
    template = delivery()
    wildcard(pipeline(template, "allthrive-feature")["Triggers"][0]["GitConfiguration"])

    assert findings(template, PROTECTED) == []
