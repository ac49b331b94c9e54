"""A pipeline as the CDK synthesizes it: roles, grants, key and template, without changes for the local cloud."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_codepipeline_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk.assertions import Template

from localcloud.testing.pipelines import CONNECTION, FUNCTION, World, until
from localcloud.testing.plain import ACCOUNT, REGION, unique

pytestmark = pytest.mark.local


def template(world: World, *, granted: bool) -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Synthesized", env=cdk.Environment(account=ACCOUNT, region=REGION))
    runtime = lambda_.Runtime.PYTHON_3_13
    code = lambda_.Code.from_inline(FUNCTION)
    function = lambda_.Function(stack, "Function", runtime=runtime, handler="index.main", code=code)
    source = codepipeline.Artifact("Code")
    owner, repository = world.repository.split("/")
    get = actions.CodeStarConnectionsSourceAction(
        action_name="Get",
        owner=owner,
        repo=repository,
        branch="main",
        connection_arn=CONNECTION,
        output=source,
        variables_namespace="Source",
        trigger_on_push=False,
    )
    job = actions.LambdaInvokeAction(
        action_name="Job",
        lambda_=function,
        inputs=[source],
        user_parameters={"say": get.variables.commit_id},
        variables_namespace="Job",
    )
    pipeline = codepipeline.Pipeline(
        stack,
        "Pipeline",
        pipeline_type=codepipeline.PipelineType.V2,
        execution_mode=codepipeline.ExecutionMode.QUEUED,
        cross_account_keys=True,
        triggers=[
            codepipeline.TriggerProps(
                provider_type=codepipeline.ProviderType.CODE_STAR_SOURCE_CONNECTION,
                git_configuration=codepipeline.GitConfiguration(
                    source_action=get, push_filter=[codepipeline.GitPushFilter(branches_includes=["main"])]
                ),
            )
        ],
        stages=[
            codepipeline.StageProps(stage_name="Source", actions=[get]),
            codepipeline.StageProps(stage_name="Work", actions=[job]),
            codepipeline.StageProps(stage_name="Approve", actions=[actions.ManualApprovalAction(action_name="Ask")]),
        ],
    )
    role = pipeline.node.find_child("Source").node.find_child("Get").node.find_child("CodePipelineActionRole")
    if granted and isinstance(role, iam.Role):
        statement = iam.PolicyStatement(actions=["codeconnections:UseConnection"], resources=[CONNECTION])
        role.add_to_policy(statement)
    cdk.CfnOutput(stack, "Name", value=pipeline.pipeline_name)
    made = dict(Template.from_stack(stack).to_json())
    made.pop("Rules", None)  # they require a bootstrapped account
    return made


def deploy(world: World, *, granted: bool) -> tuple[str, str]:
    """Deploys the pipeline. Returns its name and its first run."""
    made, version = unique("cdk"), "/cdk-bootstrap/hnb659fds/version"
    world.plain.client("ssm").put_parameter(Name=version, Value="30", Type="String", Overwrite=True)
    parameters = [{"ParameterKey": "BootstrapVersion", "ParameterValue": version}]
    world.plain.deploy(template(world, granted=granted), made, Parameters=parameters)
    name = world.plain.outputs(made)["Name"]
    return name, world.executions(name)[0]["pipelineExecutionId"]


def test_a_synthesized_pipeline_runs_with_the_cdks_roles(world: World) -> None:
    name, first = deploy(world, granted=True)
    until("the approval is reached", lambda: "Ask" in world.actions(name, first))
    world.answer(name)
    assert world.ended(name, first)["status"] == "Succeeded", world.actions(name, first)
    done = world.actions(name, first)
    commit = done["Get"]["output"]["outputVariables"]["CommitId"]
    assert done["Job"]["output"]["outputVariables"]["Said"] == commit
    assert len({done[action]["input"]["roleArn"] for action in ("Get", "Job", "Ask")}) == 3
    assert world.push("refs/heads/main", commit)
    until("a second run", lambda: len(world.executions(name)) == 2)


@pytest.mark.slow
def test_the_right_that_the_cdk_omits_is_named(world: World) -> None:
    name, first = deploy(world, granted=False)
    world.ended(name, first)
    assert '"Action": "codeconnections:UseConnection"' in world.error(name, first, "Get")["message"]
