"""Puts a release into a Services stack: same template, new parameters, one answer when CloudFormation is through.

CloudFormation marks every event of an operation with the token it was asked under. That is how this tells its own
update from somebody else's, in every call anew. A failure rolls every service back to the release before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import Place, code, transient
from shared.job import Done, Failed, Job, Wait, answer, shortened
from shared.parameters import ParameterError, Parameters, digest

_MINUTES = 60
_ROLLBACK_MINUTES = 30  # granted for the way back when the deadline cancels an update
_CANCEL_SECONDS = 300
_SILENT_SECONDS = 300  # an accepted update shows its first event long before
_SKEW_SECONDS = 600  # between CloudFormation's clock and this one
_READY = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
_VERSION = "ReleaseVersion"


@dataclass(frozen=True)
class Count:
    """A scaled service: the parameter with its tasks, and the fewest it may have."""

    service: str
    minimum: int


@dataclass(frozen=True)
class Settings:
    """What the action is told."""

    stack: str
    values: dict[str, str]
    """The stack's parameters that are to change: images by digest, the version."""
    cluster: str | None
    counts: dict[str, Count]
    place: Place

    @classmethod
    def of(cls, parameters: Parameters) -> Settings:
        """Read and check the parameters once."""
        values = parameters.table("parameters")
        if not values:
            raise ParameterError("parameter 'parameters' is empty: name at least one image or the version")
        for name, value in values.items():
            if name.endswith("Image"):
                digest(value)
        settings = cls(
            parameters.text("stack"),
            values,
            parameters.maybe("cluster"),
            {name: _count(each) for name, each in parameters.tables("counts").items()},
            Place.of(parameters),
        )
        if settings.counts and settings.cluster is None:
            raise ParameterError("parameter 'counts' needs 'cluster'")
        parameters.done()
        return settings


def _count(parameters: Parameters) -> Count:
    count = Count(parameters.text("service"), int(parameters.number("minimum", 0, minimum=0, maximum=1000)))
    parameters.done()
    return count


def main(event: dict[str, Any], _context: object) -> None:
    """Ask for the update, or look how it does."""
    answer(event, deploy, minutes=_MINUTES, abandon=leave)


def deploy(job: Job) -> Done | Wait:
    """The next step."""
    settings = Settings.of(job.parameters)
    cloudformation = settings.place.client("cloudformation")
    events = _own_events(cloudformation, settings.stack, job)
    if events:
        return _judge(job, settings, cloudformation, events)
    if "asked" in job.state:
        if job.seconds_since("asked") > _SILENT_SECONDS:
            raise Failed(f"CloudFormation accepted the update of {settings.stack}, but shows no event of it")
        return Wait(f"{settings.stack}: the update was accepted")
    return _ask(job, settings, cloudformation)


def leave(job: Job) -> str:
    """What to know when the deadline is over."""
    stack = Settings.of(job.parameters).stack
    if "cancelled" in job.state:
        return f"The update was cancelled, but {stack} is not back yet: look at its events before anything else."
    if "refused" in job.state:
        return f"The update could not be cancelled ({job.state['refused']}): it goes on, look at the events of {stack}."
    return f"Look at the events of {stack}." if "asked" in job.state else "Nothing was changed by this action."


def _ask(job: Job, settings: Settings, cloudformation: Any) -> Done | Wait:
    stack = cloudformation.describe_stacks(StackName=settings.stack)["Stacks"][0]
    status = str(stack["StackStatus"])
    if status.endswith("_IN_PROGRESS"):
        return Wait(f"{settings.stack} is {status}: somebody else updates it")
    if status not in _READY:
        raise Failed(f"{settings.stack} is {status} and takes no release: repair it, see the runbook")
    known = [str(each["ParameterKey"]) for each in stack.get("Parameters", [])]
    wanted = {**settings.values, **_counts(settings)}
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise Failed(f"{settings.stack} has no parameter {', '.join(missing)}: deploy the infrastructure first")
    try:
        cloudformation.update_stack(
            StackName=settings.stack,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": key, "ParameterValue": wanted[key]}
                if key in wanted
                else {"ParameterKey": key, "UsePreviousValue": True}
                for key in known
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            ClientRequestToken=job.key,
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return Done(f"{settings.stack} runs this release already")
        if "_IN_PROGRESS state" in str(error):
            return Wait(f"{settings.stack}: another update came first")
        if code(error) != "TokenAlreadyExistsException":  # then our request was taken, and only the receipt lost
            raise
    job.seconds_since("asked")
    return Wait(f"{settings.stack}: the update was accepted")


def _counts(settings: Settings) -> dict[str, str]:
    """The tasks each scaled service has now, so that a release under load does not scale it in."""
    if not settings.counts:
        return {}
    ecs, counts = settings.place.client("ecs"), {}
    for parameter, count in settings.counts.items():
        services = ecs.describe_services(cluster=settings.cluster, services=[count.service])["services"]
        running = max((int(each["desiredCount"]) for each in services if each["status"] == "ACTIVE"), default=0)
        counts[parameter] = str(max(running, count.minimum))
    return counts


def _own_events(cloudformation: Any, stack: str, job: Job) -> list[dict[str, Any]]:
    """The events of this job's update, newest first."""
    own: list[dict[str, Any]] = []
    tokens = (job.key, _cancel_token(job))
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack):
        for event in page["StackEvents"]:
            if event.get("ClientRequestToken") in tokens:
                own.append(event)
            elif _age(event["Timestamp"], job) > _SKEW_SECONDS:
                return own
    return own


def _age(when: datetime, job: Job) -> float:
    """Seconds before the job began."""
    return job.started - when.timestamp()


def _cancel_token(job: Job) -> str:
    return f"{job.key}-cancel"


def _judge(job: Job, settings: Settings, cloudformation: Any, events: list[dict[str, Any]]) -> Done | Wait:
    status = next((str(each["ResourceStatus"]) for each in events if _of_stack(each)), "UPDATE_IN_PROGRESS")
    if status.endswith("_IN_PROGRESS"):
        if status == "UPDATE_IN_PROGRESS" and job.overdue and not {"cancelled", "refused"} & job.state.keys():
            _cancel(job, settings, cloudformation)
        done = {each["LogicalResourceId"] for each in events if each["ResourceStatus"].endswith("_COMPLETE")}
        return Wait(f"{settings.stack} is {status}, {len(done)} resources done")
    now_set = _parameters(cloudformation, settings.stack)
    if status != "UPDATE_COMPLETE":
        raise Failed(_why(job, settings, status, events, now_set.get(_VERSION, "unknown")))
    other = {name: now_set.get(name) for name, value in settings.values.items() if now_set.get(name) != value}
    if other:
        raise Failed(f"{settings.stack} was updated, but somebody changed it since: {other}")
    return Done(f"{settings.stack} runs {settings.values.get(_VERSION, ', '.join(settings.values))}")


def _of_stack(event: dict[str, Any]) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _parameters(cloudformation: Any, stack: str) -> dict[str, str]:
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
    return {each["ParameterKey"]: each.get("ParameterValue", "") for each in found}


def _cancel(job: Job, settings: Settings, cloudformation: Any) -> None:
    """Ask for the way back. It is refused when the update has just ended, which the next call sees."""
    try:
        cloudformation.cancel_update_stack(StackName=settings.stack, ClientRequestToken=_cancel_token(job))
    except ClientError as error:
        if transient(error):
            if job.seconds_since("cancelling") < _CANCEL_SECONDS:
                job.extend(1)  # or the deadline would end the job with its update still running
            raise
        job.state["refused"] = shortened(str(error), 200)
    else:
        job.seconds_since("cancelled")
    job.extend(_ROLLBACK_MINUTES)


def _why(job: Job, settings: Settings, status: str, events: list[dict[str, Any]], version: str) -> str:
    reasons = [
        f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
        for each in reversed(events)
        if each["ResourceStatus"].endswith("_FAILED")
        and each.get("ResourceStatusReason")
        and "cancelled" not in each["ResourceStatusReason"]
    ]
    first = reasons[0] if reasons else "no reason was given"
    if "cancelled" in job.state:
        first = f"the update took longer than {job.minutes:g} minutes and was cancelled; {first}"
    if status == "UPDATE_ROLLBACK_COMPLETE":
        return f"{first}\n{settings.stack} is {status}: every service runs the old release again ({version})."
    return (
        f"{first}\n{settings.stack} is {status}: services may run different releases now. See its events, then "
        f"aws cloudformation continue-update-rollback --stack-name {settings.stack}"
    )
