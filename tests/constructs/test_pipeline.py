"""A CodePipeline V2 pipeline of one GitHub repository."""

from __future__ import annotations

import json

import aws_cdk as cdk
import pytest
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk.assertions import Template

from slipway.pipeline import GitHubSource, ReleasePipeline, Triggers
from tests.support.stack import empty_stack, properties
from tests.support.synthesis import Json

CONNECTION = "arn:aws:codeconnections:us-east-1:111122223333:connection/a"


def pipeline(triggers: Triggers, mode: str = "queued") -> Template:
    stack = empty_stack()
    made = ReleasePipeline(
        stack,
        "Main",
        name="shop-main",
        mode=mode,
        source=GitHubSource("acme", "shop", "main", CONNECTION),
        triggers=triggers,
        keep_artifacts=cdk.Duration.days(90),
        access_logs=s3.Bucket.from_bucket_name(stack, "AccessLogs", "logs"),
    )
    statement = iam.PolicyStatement(sid="Any", actions=["codebuild:StartBuild"], resources=["arn:aws:any"])
    approval = actions.ManualApprovalAction(
        action_name="Approve", role=made.action_role("ApproveRole", "Approval", [statement])
    )
    made.add_stage(stage_name="Approval", actions=[approval])
    return Template.from_stack(stack)


@pytest.fixture(scope="module")
def template() -> Template:
    return pipeline(Triggers(branches=["main"], ignore_paths=["docs/**"]))


@pytest.fixture(scope="module")
def found(template: Template) -> Json:
    return properties(template, "AWS::CodePipeline::Pipeline")


def role(template: Template, description: str) -> tuple[str, Json]:
    ((logical_id, only),) = [
        (logical_id, entry["Properties"])
        for logical_id, entry in template.find_resources("AWS::IAM::Role").items()
        if entry["Properties"].get("Description") == description
    ]
    return logical_id, dict(only)


def statements(template: Template, role: str) -> list[Json]:
    return [
        statement
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if policy["Properties"]["Roles"] == [{"Ref": role}]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_the_first_stage_reads_github_and_what_is_added_follows(found: Json) -> None:
    assert [stage["Name"] for stage in found["Stages"]] == ["Source", "Approval"]
    assert found["Stages"][0]["Actions"][0]["Configuration"] == {
        "ConnectionArn": CONNECTION,
        "FullRepositoryId": "acme/shop",
        "BranchName": "main",
        "DetectChanges": False,
    }


def test_its_artifacts_lie_in_a_bucket_of_its_own(found: Json, template: Template) -> None:
    (bucket,) = template.find_resources("AWS::S3::Bucket")

    assert found["ArtifactStore"] == {"Location": {"Ref": bucket}, "Type": "S3"}


def test_its_role_is_taken_by_codepipeline_for_this_pipeline_only(template: Template) -> None:
    (trust,) = role(template, "Pipeline shop-main")[1]["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"Service": "codepipeline.amazonaws.com"}
    assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
    assert ":us-east-1:111122223333:shop-main" in json.dumps(trust["Condition"]["ArnEquals"]["aws:SourceArn"])


def test_its_role_takes_the_roles_of_its_actions_and_no_others(template: Template) -> None:
    own, _ = role(template, "Pipeline shop-main")
    taken = [entry["Resource"] for entry in statements(template, own) if entry["Action"] == "sts:AssumeRole"]
    expected = {role(template, entry)[0] for entry in ("Reads acme/shop", "Approval")}

    assert {arn["Fn::GetAtt"][0] for resources in taken for arn in resources} == expected


def test_an_actions_role_is_taken_by_this_pipelines_role_only_and_does_what_it_is_given(template: Template) -> None:
    own, _ = role(template, "Pipeline shop-main")
    name, action = role(template, "Approval")
    (trust,) = action["AssumeRolePolicyDocument"]["Statement"]

    assert trust["Principal"] == {"AWS": {"Fn::GetAtt": [own, "Arn"]}}
    assert [entry["Sid"] for entry in statements(template, name)] == ["Any"]


def test_the_source_reads_through_its_connection_by_both_names_of_the_right(template: Template) -> None:
    name, _ = role(template, "Reads acme/shop")
    (connect,) = [entry for entry in statements(template, name) if entry["Sid"] == "UseConnection"]

    assert set(connect["Action"]) == {"codeconnections:UseConnection", "codestar-connections:UseConnection"}
    assert connect["Resource"] == CONNECTION


@pytest.mark.parametrize(
    ("triggers", "expected"),
    [
        (
            Triggers(branches=["main"], paths=["src/**"], ignore_paths=["docs/**"]),
            {
                "Push": [
                    {
                        "Branches": {"Includes": ["main"]},
                        "FilePaths": {"Includes": ["src/**"], "Excludes": ["docs/**"]},
                    }
                ]
            },
        ),
        (Triggers(tags=["v*"]), {"Push": [{"Tags": {"Includes": ["v*"]}}]}),
        (
            Triggers(pull_requests_to=["main"]),
            {"PullRequest": [{"Branches": {"Includes": ["main"]}, "Events": ["OPEN", "UPDATED"]}]},
        ),
        (
            Triggers(pull_requests_to=["main"], merged=True),
            {"PullRequest": [{"Branches": {"Includes": ["main"]}, "Events": ["CLOSED"]}]},
        ),
    ],
    ids=["branches and files", "tags", "pull requests", "merged pull requests"],
)
def test_a_run_starts_on_what_is_named_and_empty_lists_are_left_out(triggers: Triggers, expected: Json) -> None:
    (trigger,) = properties(pipeline(triggers), "AWS::CodePipeline::Pipeline")["Triggers"]

    assert {key: value for key, value in trigger["GitConfiguration"].items() if key != "SourceActionName"} == expected


@pytest.mark.parametrize("mode", ["queued", "superseded", "parallel"])
def test_the_mode_is_the_one_that_is_named(mode: str) -> None:
    found = properties(pipeline(Triggers(branches=["main"]), mode), "AWS::CodePipeline::Pipeline")

    assert found["ExecutionMode"] == codepipeline.ExecutionMode[mode.upper()].value.upper()
    assert found["PipelineType"] == "V2"
