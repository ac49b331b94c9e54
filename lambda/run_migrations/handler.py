"""Runs the migration task of a release once per action, and succeeds only on exit code 0.

However often the function is called, it starts at most one task: the client token is the job's key, which duplicates
and continuations share. docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code, transient
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters, digest

_MINUTES = 35
_TAIL = 20  # lines of the log that a failure shows
_CAPACITY_SECONDS = 600  # a lack of Fargate capacity is waited out for this long
_UNKNOWN_SECONDS = 300  # DescribeTasks may not list a task yet that RunTask has started
_CAPACITY_REASONS = ("RESOURCE", "AGENT", "CAPACITY", "Capacity is unavailable", "You've reached the limit")


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    stack: str
    """The Services stack, whose outputs name the task definition, the cluster and the network."""
    image: str | None
    """The digest that the task definition must name; None accepts any image."""
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        image = parameters.optional_text("image")
        settings = cls(parameters.text("stack"), digest(image) if image else None, Place.from_parameters(parameters))
        parameters.refuse_unknown()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Starts the task, or checks its progress."""
    answer(event, migrate, minutes=_MINUTES, abandon=stop)


def migrate(job: Job) -> Done | Wait:
    """Does the next step of the job."""
    settings = Settings.from_parameters(job.parameters)
    if "task" not in job.state:
        waiting = _start(job, settings)
        if waiting:
            return waiting
    return _look(job, settings)


def stop(job: Job) -> str:
    """Stops the task after the deadline, also one whose start was never confirmed."""
    settings = Settings.from_parameters(job.parameters)
    ecs, cluster = settings.place.client("ecs"), _cluster(job, settings)
    known = job.state.get("task")
    tasks = [known] if known else ecs.list_tasks(cluster=cluster, startedBy=job.key)["taskArns"]
    for task in tasks:
        ecs.stop_task(cluster=cluster, task=task, reason="migrations took too long")
    return f"Stopped {', '.join(tasks)}: check what it left half done." if tasks else "No task was running."


def _cluster(job: Job, settings: Settings) -> str:
    if "cluster" not in job.state:
        job.state["cluster"] = _output(settings.place.outputs(settings.stack), settings, "ClusterName")
    return str(job.state["cluster"])


def _output(outputs: dict[str, str], settings: Settings, name: str) -> str:
    if name not in outputs:
        raise ParameterError(f"stack {settings.stack} has no output {name}: deploy it with a manifest that migrates")
    return outputs[name]


def _start(job: Job, settings: Settings) -> Wait | None:
    outputs = settings.place.outputs(settings.stack)
    job.state["cluster"] = _output(outputs, settings, "ClusterName")
    definition = _output(outputs, settings, "MigrationTaskDefinition")
    ecs = settings.place.client("ecs")
    _check_image(ecs, definition, settings)
    try:
        started = ecs.run_task(
            clientToken=job.key,
            startedBy=job.key,
            cluster=job.state["cluster"],
            taskDefinition=definition,
            launchType="FARGATE",
            count=1,
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": _output(outputs, settings, "MigrationSubnets").split(","),
                    "securityGroups": [_output(outputs, settings, "MigrationSecurityGroup")],
                    "assignPublicIp": "DISABLED",
                }
            },
        )
    except ClientError as error:
        if code(error) == "ConflictException":
            raise Failed(f"a migration with other settings runs under this job's token already: {error}") from error
        if transient(error) or not _lacks_capacity(str(error.response["Error"].get("Message", ""))):
            raise
        return _not_started(job, str(error))
    if not started["tasks"]:
        reasons = [str(failure.get("reason", "no reason")) for failure in started.get("failures", [])]
        if all(_lacks_capacity(reason) for reason in reasons):
            return _not_started(job, "; ".join(reasons) or "ECS gave no reason")
        raise Failed(f"the migration task did not start: {'; '.join(reasons)}")
    job.state["task"] = started["tasks"][0]["taskArn"]
    job.seconds_since("begun")
    return Wait("migrations are starting", job.state["task"])


def _lacks_capacity(reason: str) -> bool:
    """True if the task did not start for lack of capacity, which may be available a minute later."""
    return reason.startswith(_CAPACITY_REASONS)


def _not_started(job: Job, reason: str) -> Wait:
    if job.seconds_since("short") > _CAPACITY_SECONDS:
        raise Failed(f"the migration task did not start within {_CAPACITY_SECONDS // 60} minutes: {reason}")
    return Wait(f"ECS could not start the migration task yet: {reason}")


def _check_image(ecs: Any, definition: str, settings: Settings) -> None:
    if settings.image is None:
        return
    containers = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    images = [str(container["image"]) for container in containers]
    if not any(image.endswith(f"@{settings.image}") for image in images):
        raise Failed(
            f"the migration task of stack {settings.stack} runs {', '.join(images)}, not {settings.image}: "
            "a deploy_release action must set MigrationImage before"
        )


def _look(job: Job, settings: Settings) -> Done | Wait:
    ecs, arn = settings.place.client("ecs"), str(job.state["task"])
    found = ecs.describe_tasks(cluster=_cluster(job, settings), tasks=[arn])
    if not found["tasks"]:
        if job.seconds_since("begun") > _UNKNOWN_SECONDS:
            reasons = ", ".join(str(failure.get("reason")) for failure in found.get("failures", []))
            raise Failed(f"ECS does not know the migration task it started ({reasons})", reference=arn)
        return Wait("migrations are starting", arn)
    task = found["tasks"][0]
    if task["lastStatus"] != "STOPPED":
        return Wait(f"migrations: the task is {task['lastStatus']}", arn)
    return _judge(task, settings)


def _judge(task: dict[str, Any], settings: Settings) -> Done:
    ecs = settings.place.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    essential = [container for container in definition["containerDefinitions"] if container.get("essential", True)]
    ended = {container["name"]: container for container in task.get("containers", [])}
    failed = [container for container in essential if ended.get(container["name"], {}).get("exitCode") != 0]
    # A container whose task was stopped may also exit with 0, without having migrated.
    if not failed and essential and task.get("stopCode", "EssentialContainerExited") == "EssentialContainerExited":
        return Done("migrations ended with exit code 0", task["taskArn"])
    ends = "; ".join(_end(container["name"], ended.get(container["name"], {})) for container in failed or essential)
    why = ": ".join(str(task[key]) for key in ("stopCode", "stoppedReason") if task.get(key))
    tail = "".join(_tail(container, task, settings) for container in failed)
    raise Failed(f"migrations failed: {ends}. {why}{tail}", reference=task["taskArn"])


def _end(name: str, container: dict[str, Any]) -> str:
    reason = f" ({container['reason']})" if container.get("reason") else ""
    return f"{name} ended with {container.get('exitCode', 'no exit code')}{reason}"


def _tail(container: dict[str, Any], task: dict[str, Any], settings: Settings) -> str:
    """Returns the end of a container's log, or why it cannot be read: that must not hide the failure."""
    options = container.get("logConfiguration", {}).get("options", {})
    if "awslogs-group" not in options:
        return ""
    group = options["awslogs-group"]
    stream = f"{options.get('awslogs-stream-prefix')}/{container['name']}/{task['taskArn'].rpartition('/')[2]}"
    try:
        events = settings.place.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=_TAIL, startFromHead=False
        )["events"]
    except Exception as error:  # noqa: BLE001 - the failed migration must be reported in any case
        return f"\nThe log {group} ({stream}) cannot be read: {error}"
    lines = "\n".join(str(event["message"]).rstrip() for event in events[-_TAIL:])
    return f"\nEnd of {group} ({stream}):\n{lines}"
