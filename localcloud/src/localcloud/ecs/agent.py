"""The Fargate agent's calls before a task starts, under its execution role: ECR login, image pull, log streams.

Docker pulls the images and MiniStack writes the logs without IAM. So this module makes the calls that Fargate makes; if
IAM denies one, the task stops with the same reason as on AWS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError
from ministack.core.responses import get_account_id
from ministack.services import ecs

from localcloud.ecs import credentials

SYMBOLS = (
    "ministack.core.responses:get_account_id",
    "ministack.services.ecs:_ImagePullError",
    "ministack.services.ecs:_SecretResolutionError",
    "ministack.services.ecs:_start_task_worker",
)

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/(?P<name>[^@:]+)(?:@(?P<digest>.+)|:(?P<tag>.+))?"
)
_ANY_LAYER = f"sha256:{'0' * 64}"  # permission to pull layers applies to the repository, so any digest will do
_DENIED = ("AccessDenied", "AccessDeniedException")

Definition = Mapping[str, Any]


class StartError(Exception):
    """A task cannot start."""


def prepare(definition: Definition, task_id: str) -> None:
    """Makes the agent's calls.

    Raises:
        StartError: or one of MiniStack's errors, whose message becomes the task's `stoppedReason`.
    """
    images = list(_images(definition))
    streams = list(_streams(definition, task_id))
    role = str(definition.get("executionRoleArn") or "")
    if not role:
        wanted = "ECR images" if images else "log driver awslogs"
        if images or streams:
            raise StartError(f"Fargate requires task definition to have execution role ARN to support {wanted}.")
        return
    try:
        keys = credentials.session(role, "ecs-agent")
    except credentials.AssumeError as error:
        raise ecs._SecretResolutionError(str(error)) from error
    if images:
        _log_in(keys)
    for account, name, choice in images:
        # MiniStack's IAM looks up a repository by its name alone, as if it belonged to this account.
        if account == get_account_id():
            _pull(keys, name, choice)
    for options, stream in streams:
        _open(keys, options, stream)


def _images(definition: Definition) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yields the account, the repository and the digest or tag of each image in ECR."""
    for container in definition.get("containerDefinitions", []):
        if found := _ECR.fullmatch(str(container.get("image", ""))):
            digest, tag = found["digest"], found["tag"]
            yield found["account"], found["name"], {"imageDigest": digest} if digest else {"imageTag": tag or "latest"}


def _streams(definition: Definition, task_id: str) -> Iterator[tuple[dict[str, str], str]]:
    """Yields the log options and the stream's name of each container that logs to CloudWatch with a stream prefix."""
    for container in definition.get("containerDefinitions", []):
        logs = container.get("logConfiguration") or {}
        options = logs.get("options") or {}
        prefix = options.get("awslogs-stream-prefix")
        if logs.get("logDriver") == "awslogs" and options.get("awslogs-group") and prefix:
            yield options, f"{prefix}/{container.get('name', 'container')}/{task_id}"


def _log_in(keys: Mapping[str, str]) -> None:
    try:
        credentials.client("ecr", keys).get_authorization_token()
    except ClientError as error:
        raise ecs._SecretResolutionError(f"unable to get registry auth from Amazon ECR: {error}") from error


def _pull(keys: Mapping[str, str], name: str, choice: dict[str, str]) -> None:
    ecr = credentials.client("ecr", keys)
    try:
        ecr.batch_get_image(repositoryName=name, imageIds=[choice])
        ecr.batch_check_layer_availability(repositoryName=name, layerDigests=[_ANY_LAYER])
        ecr.get_download_url_for_layer(repositoryName=name, layerDigest=_ANY_LAYER)
    except ClientError as error:
        if error.response["Error"]["Code"] in _DENIED:  # other errors are reported by Docker's own pull
            raise ecs._ImagePullError(f"pull image manifest: {error}") from error


def _open(keys: Mapping[str, str], options: Mapping[str, str], stream: str) -> None:
    logs = credentials.client("logs", keys)
    group = options["awslogs-group"]
    try:
        if str(options.get("awslogs-create-group", "")).lower() == "true":
            _unless_there(logs.create_log_group, logGroupName=group)
        _unless_there(logs.create_log_stream, logGroupName=group, logStreamName=stream)
    except ClientError as error:
        raise StartError(f"failed to validate logger args: failed to create Cloudwatch log stream: {error}") from error


def _unless_there(create: Any, **names: str) -> None:
    try:
        create(**names)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise


def install() -> None:
    """Make the agent's calls before each task that is compatible with Fargate."""
    start = ecs._start_task_worker

    def starting(task: Any, definition: Definition, *rest: Any) -> Any:
        if "FARGATE" in definition.get("requiresCompatibilities", []):
            prepare(definition, task["taskArn"].rsplit("/", 1)[-1])
        return start(task, definition, *rest)

    ecs._start_task_worker = starting
