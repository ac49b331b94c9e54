"""Single ECS tasks: exit codes, secrets, the task role's credentials, ECS Exec, orderly stops."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import Any

import pytest

from localcloud.testing.cloud import IMAGE, Cloud, allow, role
from localcloud.testing.plain import ACCOUNT, REGION, unique
from localcloud.testing.tasks import run, running, said, stack

pytestmark = [pytest.mark.local, pytest.mark.docker, pytest.mark.slow]

PRINT_IDENTITY = """
import json, os, urllib.request
request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                                 headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})
print("CREDENTIALS " + urllib.request.urlopen(request).read().decode(), flush=True)
"""
WAIT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("READY", flush=True)
time.sleep(600)
"""
STUBBORN = WAIT.replace("lambda *_: sys.exit(5)", "signal.SIG_IGN")


def test_a_task_has_the_exit_code_and_the_reason_of_its_container(cloud: Cloud) -> None:
    name = unique("exit")
    cloud.deploy(stack(name, "python", "-c", "raise SystemExit(7)"), name)
    task = cloud.stopped(name, run(cloud, name))
    assert task["containers"][0]["exitCode"] == 7
    assert (task["stopCode"], task["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )


def test_overrides_replace_command_and_environment(cloud: Cloud) -> None:
    name = unique("override")
    cloud.deploy(stack(name, "python", "-c", "raise SystemExit(1)"), name)
    command = ["python", "-c", "import os; raise SystemExit(int(os.environ['CODE']))"]
    override = {"name": "main", "command": command, "environment": [{"name": "CODE", "value": "9"}]}
    task = cloud.stopped(name, run(cloud, name, overrides={"containerOverrides": [override]}))
    assert task["containers"][0]["exitCode"] == 9


def test_a_task_does_not_start_if_its_role_trusts_ecs_only_for_another_account(cloud: Cloud) -> None:
    name = unique("confused")
    template = stack(name, "true")
    (trust,) = template["Resources"]["Execution"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trust["Condition"] = {"StringEquals": {"aws:SourceAccount": "999999999999"}}
    cloud.deploy(template, name)

    task = cloud.stopped(name, run(cloud, name))

    assert "ECS was unable to assume the role" in task["stoppedReason"]


def test_a_task_has_the_identity_and_permissions_of_its_task_role(cloud: Cloud) -> None:
    name = unique("identity")
    cloud.deploy(stack(name, "python", "-c", PRINT_IDENTITY), name)
    cloud.stopped(name, run(cloud, name))
    given = json.loads(said(cloud, name, "CREDENTIALS "))
    session = {"AccessKeyId": given["AccessKeyId"], "SecretAccessKey": given["SecretAccessKey"]}
    session["SessionToken"] = given["Token"]
    arn = cloud.client("sts", session).get_caller_identity()["Arn"]
    assert f":assumed-role/{given['RoleArn'].rsplit('/', 1)[-1]}/" in arn
    cloud.client("s3", session).list_buckets()
    with pytest.raises(cloud.client("iam").exceptions.ClientError, match="AccessDenied"):
        cloud.client("iam", session).list_users()


def secrets(name: str) -> list[dict[str, Any]]:
    return [
        {"Name": "KEY", "ValueFrom": {"Fn::Sub": "${Secret}:key::"}},
        {"Name": "WHOLE", "ValueFrom": {"Ref": "Secret"}},
        {"Name": "PARAMETER", "ValueFrom": f"/{name}/parameter"},
    ]


def with_secrets(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    shout = "import os; print('SEEN ' + '|'.join(os.environ[n] for n in ('KEY', 'WHOLE', 'PARAMETER')), flush=True)"
    template = stack(name, "python", "-c", shout, statements=statements, Secrets=secrets(name))
    template["Resources"]["Secret"] = {
        "Type": "AWS::SecretsManager::Secret",
        "Properties": {"SecretString": '{"key": "k"}'},
    }
    parameter = {"Name": f"/{name}/parameter", "Type": "String", "Value": "p"}
    template["Resources"]["Parameter"] = {"Type": "AWS::SSM::Parameter", "Properties": parameter}
    return template


def test_secrets_are_read_with_the_execution_role(cloud: Cloud) -> None:
    name = unique("secrets")
    cloud.deploy(with_secrets(name, allow(["secretsmanager:GetSecretValue", "ssm:GetParameters"])), name)
    task = cloud.stopped(name, run(cloud, name))
    assert task["containers"][0]["exitCode"] == 0
    assert said(cloud, name, "SEEN ") == 'k|{"key": "k"}|p'


def test_a_task_does_not_start_if_its_execution_role_may_not_read_a_secret(cloud: Cloud) -> None:
    name = unique("denied")
    cloud.deploy(with_secrets(name, allow("ssm:GetParameters")), name)
    task = cloud.stopped(name, run(cloud, name))
    assert task["stopCode"] == "TaskFailedToStart"
    assert "secretsmanager:GetSecretValue" in task["stoppedReason"]


REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"


def unstarted(cloud: Cloud, template: dict[str, Any], name: str) -> str:
    """Returns the reason why a task did not start."""
    cloud.deploy(template, name)
    task = cloud.stopped(name, run(cloud, name))
    assert task["stopCode"] == "TaskFailedToStart"
    return str(task["stoppedReason"])


@pytest.mark.parametrize(
    ("rights", "begins", "refused"),
    [
        ([], "ResourceInitializationError: unable to pull secrets or registry auth", "ecr:GetAuthorizationToken"),
        (["ecr:GetAuthorizationToken"], "CannotPullContainerError", "ecr:BatchGetImage"),
        (["ecr:GetAuthorizationToken", "ecr:BatchGetImage"], "CannotPullContainerError", "ecr:BatchCheckLayer"),
        (
            ["ecr:GetAuthorizationToken", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"],
            "CannotPullContainerError",
            "ecr:GetDownloadUrlForLayer",
        ),
    ],
)
def test_a_task_does_not_start_if_its_execution_role_may_not_pull_the_image(
    cloud: Cloud, rights: list[str], begins: str, refused: str
) -> None:
    name = unique("pull")
    template = stack(name, "true", statements=tuple(allow(right) for right in rights), Image=f"{REGISTRY}/{name}:1")
    template["Resources"]["Repository"] = {"Type": "AWS::ECR::Repository", "Properties": {"RepositoryName": name}}

    reason = unstarted(cloud, template, name)

    assert reason.startswith(begins)
    assert f"not authorized to perform: {refused}" in reason


def test_the_image_of_another_account_needs_no_permission_on_an_own_repository(cloud: Cloud) -> None:
    name = unique("foreign")
    image = f"444455556666.dkr.ecr.{REGION}.amazonaws.com/{name}:1"
    template = stack(name, "true", statements=(allow("ecr:GetAuthorizationToken"),), Image=image)

    reason = unstarted(cloud, template, name)

    assert f"{name} not found" in reason  # the error of the pull itself


def test_a_task_does_not_start_if_its_execution_role_may_not_create_log_streams(cloud: Cloud) -> None:
    name = unique("mute")
    template = stack(name, "true")
    template["Resources"]["Execution"] = role(allow("logs:PutLogEvents"))

    assert "logs:CreateLogStream" in unstarted(cloud, template, name)


def test_a_task_does_not_start_without_its_log_group(cloud: Cloud) -> None:
    name = unique("nowhere")
    template = stack(name, "true")
    (container,) = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    container["LogConfiguration"]["Options"]["awslogs-group"] = "/ecs/absent"

    assert "The specified log group does not exist" in unstarted(cloud, template, name)


@pytest.mark.parametrize(("image", "wanted"), [(f"{REGISTRY}/absent:1", "ECR images"), (IMAGE, "log driver awslogs")])
def test_a_task_with_ecr_images_or_logs_needs_an_execution_role(cloud: Cloud, image: str, wanted: str) -> None:
    name = unique("roleless")
    template = stack(name, "true", Image=image)
    del template["Resources"]["Task"]["Properties"]["ExecutionRoleArn"]

    assert f"to have execution role ARN to support {wanted}" in unstarted(cloud, template, name)


def test_containers_of_a_task_reach_each_other_on_localhost(cloud: Cloud) -> None:
    name = unique("pair")
    knock = """
import socket, time
while True:
    try:
        socket.create_connection(("localhost", 8000), timeout=1); break
    except OSError:
        time.sleep(0.1)
"""
    template = stack(name, "python", "-m", "http.server", "8000")
    containers = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    containers.append({"Name": "second", "Image": containers[0]["Image"], "Command": ["python", "-c", knock]})
    cloud.deploy(template, name)
    task = cloud.stopped(name, run(cloud, name))
    codes = {container["name"]: container.get("exitCode") for container in task["containers"]}
    assert codes["second"] == 0


def test_stopping_a_task_sends_sigterm_and_reports_the_exit_code(cloud: Cloud) -> None:
    name = unique("stop")
    cloud.deploy(stack(name, "python", "-c", WAIT, StopTimeout=30), name)
    arn = running(cloud, name)
    said(cloud, name, "READY")
    cloud.client("ecs").stop_task(cluster=name, task=arn)
    assert cloud.task(name, arn)["desiredStatus"] == "STOPPED"
    assert cloud.stopped(name, arn)["containers"][0]["exitCode"] == 5


def test_a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout(cloud: Cloud) -> None:
    name = unique("kill")
    cloud.deploy(stack(name, "python", "-c", STUBBORN, StopTimeout=2), name)
    arn = running(cloud, name)
    said(cloud, name, "READY")
    cloud.client("ecs").stop_task(cluster=name, task=arn)
    assert cloud.stopped(name, arn)["containers"][0]["exitCode"] == 137


# --- ECS Exec --------------------------------------------------------------------------------------------------------


def execute(cloud: Cloud, cluster: str, task: str, command: str) -> subprocess.CompletedProcess[str]:
    """Runs `aws ecs execute-command` with the variables of `local.env`."""
    line = f". {cloud.state}/local.env && aws ecs execute-command --cluster {cluster} --task {task} --container main"
    return subprocess.run(
        ["bash", "-c", f"{line} --interactive --command '{command}'"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env=dict(os.environ),
        timeout=60,
    )


@pytest.mark.skipif(shutil.which("aws") is None, reason="no AWS CLI on the PATH")
def test_a_command_runs_inside_the_container_without_a_terminal(cloud: Cloud) -> None:
    name = unique("inside")
    cloud.deploy(stack(name, "python", "-c", WAIT), name)
    arn = running(cloud, name, enableExecuteCommand=True)
    done = execute(cloud, name, arn, 'python -c "print(6 * 7)"')
    assert "42" in done.stdout, done.stderr
    assert done.returncode == 0
    assert execute(cloud, name, arn, "false").returncode != 0


@pytest.mark.skipif(shutil.which("aws") is None, reason="no AWS CLI on the PATH")
def test_a_command_is_refused_if_ecs_exec_is_not_enabled(cloud: Cloud) -> None:
    name = unique("closed")
    cloud.deploy(stack(name, "python", "-c", WAIT), name)
    done = execute(cloud, name, running(cloud, name), "true")
    assert done.returncode != 0
    assert "execute command was not enabled" in done.stderr


SHOW_AUTHORITIES = "import os; print('AUTHORITIES ' + os.environ.get('PGSSLROOTCERT', 'none'))"


@pytest.mark.parametrize(("named", "given"), [("/etc/ssl/rds/rds.pem", "/etc/localcloud/ca.pem"), (None, "none")])
def test_pgsslrootcert_is_set_to_the_local_bundle_only_if_the_task_has_it(
    cloud: Cloud, named: str | None, given: str
) -> None:
    name = unique("authorities")
    environment = [{"Name": "PGSSLROOTCERT", "Value": named}] if named else []
    cloud.deploy(stack(name, "python", "-c", SHOW_AUTHORITIES, Environment=environment), name)
    cloud.stopped(name, run(cloud, name))

    assert said(cloud, name, "AUTHORITIES ") == given
