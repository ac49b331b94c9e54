"""The API: operations on pipelines and their errors, as in the real service."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.testing.pipelines import World, action, approval, condition, rule, stage
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local


def refused(world: World, declaration: dict[str, Any]) -> ClientError:
    with pytest.raises(ClientError) as failure:
        world.api.create_pipeline(pipeline=declaration)
    return failure.value


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def test_a_pipeline_is_created_read_listed_updated_and_deleted(world: World) -> None:
    declaration = world.declare(stage("Approve", approval()))
    name = declaration["name"]
    made = world.api.create_pipeline(pipeline=declaration, tags=[{"key": "team", "value": "a"}])
    assert made["pipeline"]["version"] == 1
    assert made["tags"] == [{"key": "team", "value": "a"}]
    got = world.api.get_pipeline(name=name)
    assert got["metadata"]["pipelineArn"] == f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:{name}"
    assert got["pipeline"]["stages"][1]["actions"][0]["runOrder"] == 1
    listed = {pipeline["name"]: pipeline for pipeline in world.api.list_pipelines()["pipelines"]}
    assert listed[name]["executionMode"] == "SUPERSEDED"
    assert world.api.update_pipeline(pipeline=got["pipeline"])["pipeline"]["version"] == 2
    assert world.api.get_pipeline(name=name, version=1)["pipeline"]["version"] == 1
    with pytest.raises(world.api.exceptions.PipelineVersionNotFoundException):
        world.api.get_pipeline(name=name, version=9)
    world.api.delete_pipeline(name=name)
    world.api.delete_pipeline(name=name)
    with pytest.raises(world.api.exceptions.PipelineNotFoundException, match=ACCOUNT):
        world.api.get_pipeline(name=name)


def test_a_name_can_be_used_only_once(world: World) -> None:
    declaration = world.declare(stage("Approve", approval()))
    world.api.create_pipeline(pipeline=declaration)
    assert code(refused(world, declaration)) == "PipelineNameInUseException"


def test_tags_are_added_and_removed(world: World) -> None:
    declaration = world.declare(stage("Approve", approval()))
    world.api.create_pipeline(pipeline=declaration)
    arn = world.api.get_pipeline(name=declaration["name"])["metadata"]["pipelineArn"]
    world.api.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    world.api.untag_resource(resourceArn=arn, tagKeys=["a"])
    assert world.api.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(world.api.exceptions.ResourceNotFoundException):
        world.api.list_tags_for_resource(resourceArn=arn + "x")


def test_a_violation_of_the_model_is_named_with_its_path(world: World) -> None:
    declaration = world.declare(stage("Approve", approval(runOrder=1000)), name="no/slashes")
    error = refused(world, declaration)
    assert code(error) == "ValidationException"
    assert "2 validation errors detected" in str(error)
    assert "'no/slashes' at 'pipeline.name' failed to satisfy constraint" in str(error)
    assert "pipeline.stages.2.member.actions.1.member.runOrder" in str(error)
    wrong = world.declare(stage("Approve", approval()), executionMode="LOUD")
    assert "Member must satisfy enum value set: [QUEUED, SUPERSEDED, PARALLEL]" in str(refused(world, wrong))


CHECK = rule("Check", "VariableCheck", Variable="a", Value="a")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda p: p["stages"].pop(), "InvalidStructureException", "minimum of 2 stages"),
        (lambda p: p["stages"][1].update(name="Source"), "InvalidStructureException", "'Source' is used more than"),
        (lambda p: p["stages"].reverse(), "InvalidStructureException", "only contains source actions"),
        (lambda p: p["stages"].append(p["stages"][0] | {"name": "X"}), "InvalidStructureException", "only the first"),
        (lambda p: p["stages"][1].update(actions=[]), "InvalidStructureException", "at least one action"),
        (
            lambda p: p["stages"][1]["actions"].append(approval()),
            "InvalidStructureException",
            "'Ask' is used more than once",
        ),
        (
            lambda p: p["stages"][1]["actions"][0].update(inputArtifacts=[{"name": "Nothing"}]),
            "InvalidStructureException",
            "Nothing of action 'Ask' are not the output of an earlier action",
        ),
        (
            lambda p: p["stages"][1]["actions"][0].update(outputArtifacts=[{"name": "Code"}]),
            "InvalidStructureException",
            "unique within the pipeline: 'Code'",
        ),
        (lambda p: p.pop("artifactStore"), "InvalidStructureException", "artifactStore"),
        (
            lambda p: p["stages"][1]["actions"][0].update(configuration={"CustomData": "x" * 1001}),
            "ValidationException",
            "CustomData' failed to satisfy constraint: Member must have length less than or equal to 1000",
        ),
        (
            lambda p: p["stages"][1]["actions"][0].update(configuration={"CustomData": "#{Nobody.Id}"}),
            "InvalidActionDeclarationException",
            "no action has the namespace",
        ),
        (
            lambda p: p["stages"][1]["actions"][0].update(configuration={"CustomData": "#{variables.x}"}),
            "InvalidActionDeclarationException",
            "declares no variable 'x'",
        ),
        (
            lambda p: p["stages"][0]["actions"][0]["configuration"].update(BranchName="#{variables.x}"),
            "InvalidActionDeclarationException",
            "a source action cannot use variables",
        ),
        (
            lambda p: p.update(pipelineType="V1", executionMode="QUEUED"),
            "InvalidStructureException",
            "QUEUED need a pipeline of type V2",
        ),
        (
            lambda p: (p.update(executionMode="PARALLEL"), p["stages"][1].update(onFailure={"result": "ROLLBACK"})),
            "InvalidStructureException",
            "ROLLBACK result, which PARALLEL mode does not support",
        ),
        (
            lambda p: p["stages"][1].update(beforeEntry=condition("ROLLBACK", CHECK)),
            "InvalidStageDeclarationException",
            "beforeEntry supports the results FAIL, SKIP",
        ),
        (
            lambda p: p["stages"][1].update(beforeEntry=condition("SKIP", rule("W", "DeploymentWindow", Cron="*"))),
            "InvalidStageDeclarationException",
            "SKIP requires rules of LambdaInvoke, VariableCheck",
        ),
        (
            lambda p: p["stages"][1].update(onFailure={"result": "RETRY", **condition("ROLLBACK", CHECK)}),
            "InvalidStageDeclarationException",
            "either an automatic retry or conditions",
        ),
    ],
)
def test_a_declaration_with_an_invalid_structure_is_refused(
    world: World, change: Any, error: str, message: str
) -> None:
    declaration = world.declare(stage("Approve", approval()))
    change(declaration)
    answer = refused(world, declaration)
    assert code(answer) == error
    assert message in str(answer)


def test_objects_that_do_not_exist_have_their_own_errors(world: World) -> None:
    name = world.quiet(stage("Approve", approval()))
    api, errors = world.api, world.api.exceptions
    missing = "00000000-0000-0000-0000-000000000000"
    run = world.executions(name)[0]["pipelineExecutionId"]
    with pytest.raises(errors.PipelineNotFoundException):
        api.start_pipeline_execution(name=unique("nobody"))
    with pytest.raises(errors.PipelineExecutionNotFoundException):
        api.get_pipeline_execution(pipelineName=name, pipelineExecutionId=missing)
    with pytest.raises(errors.StageNotFoundException):
        api.disable_stage_transition(pipelineName=name, stageName="X", transitionType="Inbound", reason="no")
    with pytest.raises(errors.StageNotFoundException):
        api.retry_stage_execution(pipelineName=name, stageName="X", pipelineExecutionId=run, retryMode="FAILED_ACTIONS")
    result = {"summary": "", "status": "Approved"}
    with pytest.raises(errors.ActionNotFoundException):
        api.put_approval_result(pipelineName=name, stageName="Approve", actionName="X", token=missing, result=result)
    with pytest.raises(errors.JobNotFoundException):
        api.put_job_success_result(jobId=missing)
    with pytest.raises(errors.JobNotFoundException):
        api.get_job_details(jobId=missing)
    with pytest.raises(ClientError, match="does not support PutActionRevision"):
        api.put_action_revision(
            pipelineName=name,
            stageName="Source",
            actionName="Get",
            actionRevision={"revisionId": "1", "revisionChangeId": "1", "created": 0},
        )


def test_lists_are_paginated(world: World) -> None:
    name = world.quiet(stage("Approve", approval()), executionMode="PARALLEL")
    for _ in range(3):
        world.start(name)
    pages = world.api.get_paginator("list_pipeline_executions")
    found = list(pages.paginate(pipelineName=name, PaginationConfig={"PageSize": 2}))
    assert [len(page["pipelineExecutionSummaries"]) for page in found] == [2, 2]
    with pytest.raises(world.api.exceptions.InvalidNextTokenException):
        world.api.list_pipeline_executions(pipelineName=name, nextToken="?")


def test_an_unknown_action_provider_fails_with_its_name(world: World) -> None:
    name = world.create(stage("Scan", action("Scan", "Invoke", "InspectorScan", {})))
    run = world.executions(name)[0]
    assert run["status"] == "Failed"
    message = world.error(name, run["pipelineExecutionId"], "Scan")["message"]
    assert "no action provider InspectorScan" in message


def test_calls_of_the_api_are_authorized_by_iam(world: World) -> None:
    role = world.plain.role(unique("none"), {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    api = world.plain.client("codepipeline", world.plain.session(role))
    with pytest.raises(ClientError, match="codepipeline:ListPipelines"):
        api.list_pipelines()
