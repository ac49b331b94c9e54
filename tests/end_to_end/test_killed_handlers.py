"""A handler that is killed right after AWS has accepted its call: when it runs again, it does nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.testing.cloud import Cloud, definition
from localcloud.testing.pipelines import World, action, stage
from localcloud.testing.plain import Plain, resources, unique
from tests.end_to_end.handlers import deploy_handler

pytestmark = pytest.mark.local

_JOB = ("codepipeline:PutJobSuccessResult", "codepipeline:PutJobFailureResult", "ssm:PutParameter")
_DEPLOY = ("cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents", "cloudformation:UpdateStack")
_MIGRATE = ("cloudformation:DescribeStacks", "ecs:RunTask", "ecs:DescribeTasks", "ecs:DescribeTaskDefinition")

# Runs in front of the handler and kills the process once, after AWS has answered the call that must not be made twice,
# but before the handler gets the answer. A parameter records the kill, since the process has no state afterwards.
_DEADLY = """
import os, signal
import boto3
from {handler}.handler import main as plain

def die(**given):
    try:
        boto3.client("ssm").put_parameter(Name="{marker}", Value="killed", Type="String")
    except Exception as error:
        if "ParameterAlreadyExists" not in str(error):
            raise
        return
    os.kill(os.getpid(), signal.SIGKILL)

boto3.setup_default_session()
boto3.DEFAULT_SESSION.events.register("after-call.{call}", die)

def main(event, context):
    plain(event, context)
"""


def deadly(world: World, handler: str, call: str, *actions: str) -> tuple[str, str]:
    """Deploys the handler. Returns its name, and the parameter that exists after the handler has been killed."""
    marker = f"/{unique('killed')}"
    files = {"deadly.py": _DEADLY.format(handler=handler, call=call, marker=marker)}
    function = deploy_handler(world.plain, handler, {}, *_JOB, *actions, entry="deadly.main", files=files)
    return function, marker


def run(world: World, function: str, parameters: dict[str, Any]) -> tuple[str, str]:
    """Runs a pipeline whose only action calls the function. Returns the pipeline and its run, which has ended."""
    job = action("Job", "Invoke", "Lambda", {"FunctionName": function, "UserParameters": json.dumps(parameters)})
    declaration = world.declare(stage("Work", job))
    world.api.create_pipeline(pipeline=declaration)
    name = str(declaration["name"])
    execution = world.executions(name)[0]["pipelineExecutionId"]
    world.ended(name, execution)
    return name, execution


def killed(plain: Plain, marker: str) -> bool:
    return bool(plain.client("ssm").get_parameters(Names=[marker])["Parameters"])


def test_a_deployment_whose_handler_was_killed_runs_once(world: World) -> None:
    parameter = ("AWS::SSM::Parameter", {"Type": "String", "Value": {"Ref": "ReleaseVersion"}})
    template = resources(Released=parameter) | {"Parameters": {"ReleaseVersion": {"Type": "String", "Default": "none"}}}
    stack = unique("services")
    world.plain.deploy(template, stack)
    function, marker = deadly(world, "deploy_release", "cloudformation.UpdateStack", *_DEPLOY)

    name, execution = run(world, function, {"stack": stack, "parameters": {"ReleaseVersion": "1.2.0"}})

    assert killed(world.plain, marker)
    assert world.execution(name, execution)["status"] == "Succeeded", world.error(name, execution, "Job")
    events = world.plain.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"]
    updates = [
        event
        for event in events
        if event["LogicalResourceId"] == stack and event["ResourceStatus"] == "UPDATE_IN_PROGRESS"
    ]
    assert len(updates) == 1
    assert world.attempts(name, execution, "Job") == 1


@pytest.mark.docker
@pytest.mark.slow
def test_a_migration_whose_handler_was_killed_runs_once(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = World(cloud, tmp_path_factory.mktemp("killed"))
    cluster, stack = unique("migrated"), unique("services")
    made = resources(Cluster=("AWS::ECS::Cluster", {"ClusterName": cluster}), Task=definition("python", "-c", "pass"))
    outputs = {
        "ClusterName": cluster,
        "MigrationTaskDefinition": {"Ref": "Task"},
        "MigrationSubnets": "subnet-1",
        "MigrationSecurityGroup": "sg-1",
    }
    cloud.deploy(made | {"Outputs": {name: {"Value": value} for name, value in outputs.items()}}, stack)
    function, marker = deadly(world, "run_migrations", "ecs.RunTask", *_MIGRATE)

    name, execution = run(world, function, {"stack": stack})

    assert killed(cloud, marker)
    assert world.execution(name, execution)["status"] == "Succeeded", world.error(name, execution, "Job")
    ecs = cloud.client("ecs")
    tasks = [
        task
        for status in ("RUNNING", "STOPPED")
        for task in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]
    assert len(set(tasks)) == 1
