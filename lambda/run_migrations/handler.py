"""Runs the migration task once per action, and believes nothing but its exit codes.

However often it is called, it starts at most one task: the client token is the job's key, the same in duplicates and
continuations. docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code, transient
from shared.job import Done, Failed, Job, Wait, answer
from shared.parameters import ParameterError, Parameters, digest

_MINUTES = 35
_TAIL = 20
_CAPACITY_SECONDS = 600  # Fargate may have none for a while
_UNKNOWN_SECONDS = 300  # DescribeTasks may not know a task yet that RunTask has started
_SHORT_OF = ("RESOURCE", "AGENT", "CAPACITY", "Capacity is unavailable", "You've reached the limit")


@dataclass(frozen=True)
class Settings:
    """What the action is told."""

    stack: str
    """The Services stack: its outputs name the task and where it runs."""
    image: str | None
    """Digest the task must run; without it, whatever the stack names."""
    place: Place

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the parameters once."""
        image = parameters.maybe("image")
        settings = cls(parameters.text("stack"), digest(image) if image else None, Place.of(parameters))
        parameters.done()
        return settings


def main(event: dict[str, Any], _context: object) -> None:
    """Start the task, or look how it does."""
    answer(event, migrate, minutes=_MINUTES, abandon=stop)


def migrate(job: Job) -> Done | Wait:
    """The next step."""
    settings = Settings.of(job.parameters)
    if "task" not in job.state:
        waiting = _start(job, settings)
        if waiting:
            return waiting
    return _look(job, settings)


def stop(job: Job) -> str:
    """End the task that took too long; also one whose start was never confirmed."""
    settings = Settings.of(job.parameters)
    ecs, cluster = settings.place.client("ecs"), _cluster(job, settings)
    known = job.state.get("task")
    tasks = [known] if known else ecs.list_tasks(cluster=cluster, startedBy=job.key)["taskArns"]
    for task in tasks:
        ecs.stop_task(cluster=cluster, task=task, reason="migrations took too long")
    return f"Stopped {', '.join(tasks)}: look at what it left half done." if tasks else "No task was running."


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
        if transient(error) or not _short_of(str(error.response["Error"].get("Message", ""))):
            raise
        return _not_started(job, str(error))
    if not started["tasks"]:
        reasons = [str(each.get("reason", "no reason")) for each in started.get("failures", [])]
        if all(_short_of(reason) for reason in reasons):
            return _not_started(job, "; ".join(reasons) or "ECS named no reason")
        raise Failed(f"the migration task did not start: {'; '.join(reasons)}")
    job.state["task"] = started["tasks"][0]["taskArn"]
    job.seconds_since("begun")
    return Wait("migrations are starting", job.state["task"])


def _short_of(reason: str) -> bool:
    """Whether ECS lacked what it may have in a minute."""
    return reason.startswith(_SHORT_OF)


def _not_started(job: Job, reason: str) -> Wait:
    if job.seconds_since("short") > _CAPACITY_SECONDS:
        raise Failed(f"the migration task did not start within {_CAPACITY_SECONDS // 60} minutes: {reason}")
    return Wait(f"ECS could not start the migration task yet: {reason}")


def _check_image(ecs: Any, definition: str, settings: Settings) -> None:
    if settings.image is None:
        return
    containers = ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]["containerDefinitions"]
    images = [str(each["image"]) for each in containers]
    if not any(image.endswith(f"@{settings.image}") for image in images):
        raise Failed(
            f"the migration task of stack {settings.stack} runs {', '.join(images)}, not {settings.image}: "
            "a deploy_release action must set MigrationImage before"
        )


def _look(job: Job, settings: Settings) -> Done | Wait:
    ecs, name = settings.place.client("ecs"), str(job.state["task"])
    found = ecs.describe_tasks(cluster=_cluster(job, settings), tasks=[name])
    if not found["tasks"]:
        if job.seconds_since("begun") > _UNKNOWN_SECONDS:
            reasons = ", ".join(str(each.get("reason")) for each in found.get("failures", []))
            raise Failed(f"ECS does not know the migration task it started ({reasons})", reference=name)
        return Wait("migrations are starting", name)
    task = found["tasks"][0]
    if task["lastStatus"] != "STOPPED":
        return Wait(f"migrations: the task is {task['lastStatus']}", name)
    return _judge(task, settings)


def _judge(task: dict[str, Any], settings: Settings) -> Done:
    ecs = settings.place.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
    essential = [each for each in definition["containerDefinitions"] if each.get("essential", True)]
    ended = {each["name"]: each for each in task.get("containers", [])}
    bad = [each for each in essential if ended.get(each["name"], {}).get("exitCode") != 0]
    # A task that somebody stopped may well exit with 0: it has not migrated for all that.
    if not bad and essential and task.get("stopCode", "EssentialContainerExited") == "EssentialContainerExited":
        return Done("migrations ended with exit code 0", task["taskArn"])
    ends = "; ".join(_end(each["name"], ended.get(each["name"], {})) for each in bad or essential)
    why = ": ".join(str(task[key]) for key in ("stopCode", "stoppedReason") if task.get(key))
    tail = "".join(_tail(each, task, settings) for each in bad)
    raise Failed(f"migrations failed: {ends}. {why}{tail}", reference=task["taskArn"])


def _end(name: str, container: dict[str, Any]) -> str:
    reason = f" ({container['reason']})" if container.get("reason") else ""
    return f"{name} ended with {container.get('exitCode', 'no exit code')}{reason}"


def _tail(container: dict[str, Any], task: dict[str, Any], settings: Settings) -> str:
    """The end of a container's log; nothing where it cannot be read, since the failure matters more."""
    options = container.get("logConfiguration", {}).get("options", {})
    if "awslogs-group" not in options:
        return ""
    group = options["awslogs-group"]
    stream = f"{options.get('awslogs-stream-prefix')}/{container['name']}/{task['taskArn'].rpartition('/')[2]}"
    try:
        events = settings.place.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=_TAIL, startFromHead=False
        )["events"]
    except Exception as error:  # noqa: BLE001 - whatever it is, the migration failed
        return f"\nThe log {group} ({stream}) cannot be read: {error}"
    lines = "\n".join(str(event["message"]).rstrip() for event in events[-_TAIL:])
    return f"\nEnd of {group} ({stream}):\n{lines}"
