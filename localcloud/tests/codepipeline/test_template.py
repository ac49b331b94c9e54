"""The resource type AWS::CodePipeline::Pipeline in stacks."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.testing.pipelines import CONNECTION, World, until
from localcloud.testing.plain import resources, unique

pytestmark = pytest.mark.local


def pipeline(world: World, name: str = "", **more: Any) -> dict[str, Any]:
    source = {
        "Name": "Get",
        "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "CodeStarSourceConnection", "Version": "1"},
        "Configuration": {
            "ConnectionArn": CONNECTION,
            "FullRepositoryId": world.repository,
            "BranchName": "main",
            "DetectChanges": False,
        },
        "OutputArtifacts": [{"Name": "Code"}],
        "RunOrder": "1",
        "Namespace": "Source",
    }
    job = {
        "Name": "Job",
        "ActionTypeId": {"Category": "Invoke", "Owner": "AWS", "Provider": "Lambda", "Version": "1"},
        "Configuration": {"FunctionName": world.function, "UserParameters": '{"say": "#{variables.word}"}'},
        "InputArtifacts": [{"Name": "Code"}],
    }
    kind = {"Category": "Rule", "Owner": "AWS", "Provider": "VariableCheck", "Version": "1"}
    given = {"Variable": "#{Source.BranchName}", "Value": "main", "Operator": "EQ"}
    check = {"Result": "SKIP", "Rules": [{"Name": "OnMain", "RuleTypeId": kind, "Configuration": given}]}
    properties = {
        "RoleArn": world.role,
        "PipelineType": "V2",
        "ExecutionMode": "QUEUED",
        "ArtifactStore": {"Type": "S3", "Location": world.bucket},
        "Variables": [{"Name": "word", "DefaultValue": "hello"}],
        "Triggers": [
            {
                "ProviderType": "CodeStarSourceConnection",
                "GitConfiguration": {
                    "SourceActionName": "Get",
                    "Push": [{"Branches": {"Includes": [f"cfn/{world.bucket}/**"]}}],
                },
            }
        ],
        "Stages": [
            {"Name": "Source", "Actions": [source]},
            {"Name": "Work", "Actions": [job], "BeforeEntry": {"Conditions": [check]}},
        ],
        "Tags": [{"Key": "team", "Value": "a"}],
        **({"Name": name} if name else {}),
        **more,
    }
    outputs = {"Ref": {"Value": {"Ref": "Pipe"}}, "Version": {"Value": {"Fn::GetAtt": ["Pipe", "Version"]}}}
    return {**resources(Pipe=("AWS::CodePipeline::Pipeline", properties)), "Outputs": outputs}


def finished(world: World, name: str, number: int) -> list[dict[str, Any]]:
    def all_done() -> bool:
        found = world.executions(name)
        return len(found) == number and found[0]["status"] == "Succeeded"

    until(f"{number} runs end", all_done)
    return world.executions(name)


def test_a_stack_creates_a_pipeline_that_runs(world: World) -> None:
    stack_name = unique("cfn")
    name = world.plain.deploy(pipeline(world), stack_name)["Pipe"]
    assert world.plain.outputs(stack_name) == {"Ref": name, "Version": "1"}
    declaration = world.api.get_pipeline(name=name)["pipeline"]
    assert declaration["stages"][0]["actions"][0]["configuration"]["DetectChanges"] == "false"
    assert declaration["triggers"][0]["gitConfiguration"]["push"][0]["branches"]["includes"]
    first = finished(world, name, 1)[0]
    assert first["trigger"]["triggerType"] == "CreatePipeline"
    job = world.actions(name, first["pipelineExecutionId"])["Job"]
    assert job["output"]["outputVariables"]["Said"] == "hello"
    arn = world.api.get_pipeline(name=name)["metadata"]["pipelineArn"]
    tags = {tag["key"]: tag["value"] for tag in world.api.list_tags_for_resource(resourceArn=arn)["tags"]}
    assert tags["team"] == "a"
    assert world.plain.delete(stack_name) == "DELETE_COMPLETE"
    with pytest.raises(world.api.exceptions.PipelineNotFoundException):
        world.api.get_pipeline(name=name)


def test_an_update_changes_the_pipeline_and_may_start_it_again(world: World) -> None:
    stack_name = unique("cfn")
    name = world.plain.deploy(pipeline(world), stack_name)["Pipe"]
    finished(world, name, 1)
    disabled = [{"StageName": "Work", "Reason": "closed"}]
    changed = pipeline(
        world,
        Variables=[{"Name": "word", "DefaultValue": "again"}],
        Tags=[{"Key": "team", "Value": "b"}],
        RestartExecutionOnUpdate=True,
        DisableInboundStageTransitions=disabled,
    )
    assert world.plain.deploy(changed, stack_name)["Pipe"] == name
    assert world.plain.outputs(stack_name)["Version"] == "2"
    until("the run waits", lambda: world.stage(name, "Work").get("inboundExecution"))
    world.plain.deploy(pipeline(world, Variables=[{"Name": "word", "DefaultValue": "again"}]), stack_name)
    assert world.stage(name, "Work")["inboundTransitionState"]["enabled"]
    finished(world, name, 2)


def test_another_name_replaces_the_pipeline(world: World) -> None:
    stack_name, first, other = unique("cfn"), unique("first"), unique("other")
    world.plain.deploy(pipeline(world, first), stack_name)
    assert world.plain.deploy(pipeline(world, other), stack_name)["Pipe"] == other
    names = {found["name"] for found in world.api.list_pipelines()["pipelines"]}
    assert other in names
    assert first not in names


def test_a_property_that_is_not_supported_fails_the_stack(world: World) -> None:
    with pytest.raises(AssertionError, match=r"takes no pipeline\.Loudness"):
        world.plain.deploy(pipeline(world, Loudness=11))
