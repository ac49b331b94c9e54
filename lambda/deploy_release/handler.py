"""Deploys a release: updates the parameters of a Services stack, keeps its template, and waits for CloudFormation.

CloudFormation marks each stack event with the client request token of its operation. By that token every call tells
its own update from those of others. If the update fails, CloudFormation rolls every service back to the old release.

Images get a tag that never expires before they enter the environment, and another one when they run in it
(docs/adr/0031).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from shared.aws import HERE, Place, code, transient
from shared.gate import Gate
from shared.job import Done, Failed, Job, Wait, answer, shortened
from shared.parameters import ParameterError, Parameters, digest
from shared.registry import Image, protect

_MINUTES = 60
_ROLLBACK_MINUTES = 30  # more time for the rollback when the deadline cancels an update
_CANCEL_SECONDS = 300  # a cancellation that fails is retried for this long
_SILENT_SECONDS = 300  # an accepted update has its first event much earlier
_SKEW_SECONDS = 600  # allowed difference between CloudFormation's clock and this one
_READY = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
_VERSION, _UNRELEASED = "ReleaseVersion", "unreleased"


@dataclass(frozen=True)
class Count:
    """A service whose number of tasks is a parameter of the stack, and the minimum of that number."""

    service: str
    minimum: int


@dataclass(frozen=True)
class Output:
    """An output of another stack."""

    stack: str
    name: str


@dataclass(frozen=True)
class Protection:
    """The tags by which the registry keeps the images of one environment."""

    entering: str
    """The tag of images that the environment is about to run, e.g. in-use-staging-entering."""
    running: str
    """The tag of images that the environment runs, e.g. in-use-staging-running."""
    entered: str
    """Prefix of the tag that an image keeps, e.g. `entered-`."""


@dataclass(frozen=True)
class Settings:
    """The parameters of the action."""

    stack: str
    values: dict[str, str]
    """The stack parameters to change: images by digest, and the version."""
    cluster: str | None
    counts: dict[str, Count]
    """Scaled services by the stack parameter that holds their number of tasks."""
    outputs: dict[str, Output]
    """Outputs of other stacks by the stack parameter that takes their value."""
    protection: Protection | None
    """None if something other than this function keeps the images."""
    gate: Gate | None
    """None if alarms hold no release back."""
    place: Place

    @classmethod
    def from_parameters(cls, parameters: Parameters) -> Settings:
        """Reads and checks the parameters."""
        values = parameters.table("parameters")
        if not values:
            raise ParameterError("parameter 'parameters' is empty: name at least one image or the version")
        for name, value in values.items():
            if name.endswith("Image"):
                digest(value)
        settings = cls(
            parameters.text("stack"),
            values,
            parameters.optional_text("cluster"),
            {name: _count(table) for name, table in parameters.tables("counts").items()},
            {name: _output(table) for name, table in parameters.tables("outputs").items()},
            _protection(parameters.table("protection")),
            Gate.from_parameters(parameters),
            Place.from_parameters(parameters),
        )
        if settings.counts and settings.cluster is None:
            raise ParameterError("parameter 'counts' needs 'cluster'")
        parameters.refuse_unknown()
        return settings

    def images(self) -> set[Image]:
        """Returns the images among the values."""
        return {Image.parse(value) for name, value in self.values.items() if name.endswith("Image")}

    def enter(self) -> None:
        """Protects the images before the stack is changed."""
        if self.protection:
            protect(HERE.client("ecr"), self.images(), tag=self.protection.entering, entered=self.protection.entered)

    def stay(self) -> None:
        """Protects the images that run now. A migration's image alone is no release: its services run another one."""
        if self.protection and _VERSION in self.values:
            protect(HERE.client("ecr"), self.images(), tag=self.protection.running, entered=self.protection.entered)


def _protection(table: dict[str, str]) -> Protection | None:
    if not table:
        return None
    tags = Parameters(table)
    protection = Protection(tags.text("entering"), tags.text("running"), tags.text("entered"))
    tags.refuse_unknown()
    return protection


def _count(parameters: Parameters) -> Count:
    count = Count(parameters.text("service"), int(parameters.number("minimum", 0, minimum=0, maximum=1000)))
    parameters.refuse_unknown()
    return count


def _output(parameters: Parameters) -> Output:
    output = Output(parameters.text("stack"), parameters.text("output"))
    parameters.refuse_unknown()
    return output


def main(event: dict[str, Any], _context: object) -> None:
    """Starts the update, or checks its progress."""
    answer(event, deploy, minutes=_MINUTES, abandon=advise)


def deploy(job: Job) -> Done | Wait:
    """Does the next step of the job."""
    settings = Settings.from_parameters(job.parameters)
    cloudformation = settings.place.client("cloudformation")
    events = _own_events(cloudformation, settings.stack, job)
    if events:
        return _judge(job, settings, cloudformation, events)
    if "requested" in job.state:
        if job.seconds_since("requested") > _SILENT_SECONDS:
            raise Failed(f"CloudFormation accepted the update of {settings.stack}, but lists no event of it")
        return Wait(f"{settings.stack}: the update was accepted")
    return _request_update(job, settings, cloudformation)


def advise(job: Job) -> str:
    """Returns what an operator should look at after the deadline; the update was cancelled before, if possible."""
    stack = Settings.from_parameters(job.parameters).stack
    if "cancelled" in job.state:
        return f"The update was cancelled, but {stack} is still rolling back: look at its events before anything else."
    if "refused" in job.state:
        return (
            f"The update could not be cancelled ({job.state['refused']}), it continues: look at the events of {stack}."
        )
    return f"Look at the events of {stack}." if "requested" in job.state else "Nothing was changed by this action."


def _request_update(job: Job, settings: Settings, cloudformation: Any) -> Done | Wait:
    stack = cloudformation.describe_stacks(StackName=settings.stack)["Stacks"][0]
    status = str(stack["StackStatus"])
    if status.endswith("_IN_PROGRESS"):
        return Wait(f"{settings.stack} is {status}: another update is in progress")
    if status not in _READY:
        raise Failed(f"{settings.stack} is {status} and cannot be updated: repair it, see the runbook")
    current = {str(parameter["ParameterKey"]): parameter for parameter in stack.get("Parameters", [])}
    known = list(current)
    wanted = {**settings.values, **_counts(settings), **_outputs(settings)}
    missing = sorted(set(wanted) - set(known))
    if missing:
        raise Failed(f"{settings.stack} has no parameter {', '.join(missing)}: deploy the infrastructure first")
    # Before the first release nothing runs, and alarms ring because of that.
    if settings.gate and current.get(_VERSION, {}).get("ParameterValue", _UNRELEASED) != _UNRELEASED:
        held = settings.gate.hold(job, settings.place)
        if held:
            return held
    settings.enter()
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
            settings.stay()
            return Done(f"{settings.stack} runs this release already")
        if "_IN_PROGRESS state" in str(error):
            return Wait(f"{settings.stack}: another update started first")
        if code(error) != "TokenAlreadyExistsException":  # our request was accepted, its response lost
            raise
    job.seconds_since("requested")
    return Wait(f"{settings.stack}: the update was accepted")


def _counts(settings: Settings) -> dict[str, str]:
    """Returns the current number of tasks of each scaled service, so that a release under load does not scale it in."""
    if not settings.counts:
        return {}
    ecs, counts = settings.place.client("ecs"), {}
    for parameter, count in settings.counts.items():
        services = ecs.describe_services(cluster=settings.cluster, services=[count.service])["services"]
        running = max((int(active["desiredCount"]) for active in services if active["status"] == "ACTIVE"), default=0)
        counts[parameter] = str(max(running, count.minimum))
    return counts


def _outputs(settings: Settings) -> dict[str, str]:
    """Returns the values that other stacks decide."""
    values = {}
    for parameter, output in settings.outputs.items():
        found = settings.place.outputs(output.stack).get(output.name)
        if found is None:
            raise Failed(f"{output.stack} has no output {output.name}: deploy the infrastructure first")
        values[parameter] = found
    return values


def _own_events(cloudformation: Any, stack: str, job: Job) -> list[dict[str, Any]]:
    """Returns the events of this job's update, newest first."""
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
    """Returns how many seconds a time was before the start of the job."""
    return job.started - when.timestamp()


def _cancel_token(job: Job) -> str:
    return f"{job.key}-cancel"


def _judge(job: Job, settings: Settings, cloudformation: Any, events: list[dict[str, Any]]) -> Done | Wait:
    status = next((str(event["ResourceStatus"]) for event in events if _of_stack(event)), "UPDATE_IN_PROGRESS")
    if status.endswith("_IN_PROGRESS"):
        if status == "UPDATE_IN_PROGRESS" and job.overdue and not {"cancelled", "refused"} & job.state.keys():
            _cancel(job, settings, cloudformation)
        done = {event["LogicalResourceId"] for event in events if event["ResourceStatus"].endswith("_COMPLETE")}
        return Wait(f"{settings.stack} is {status}, {len(done)} resources done")
    current = _parameters(cloudformation, settings.stack)
    if status != "UPDATE_COMPLETE":
        raise Failed(_why(job, settings, status, events, current.get(_VERSION, "unknown")))
    other = {name: current.get(name) for name, value in settings.values.items() if current.get(name) != value}
    if other:
        raise Failed(f"{settings.stack} was updated, but somebody changed it since: {other}")
    settings.stay()
    return Done(f"{settings.stack} runs {settings.values.get(_VERSION, ', '.join(settings.values))}")


def _of_stack(event: dict[str, Any]) -> bool:
    return bool(event.get("PhysicalResourceId") == event["StackId"])


def _parameters(cloudformation: Any, stack: str) -> dict[str, str]:
    found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
    return {parameter["ParameterKey"]: parameter.get("ParameterValue", "") for parameter in found}


def _cancel(job: Job, settings: Settings, cloudformation: Any) -> None:
    """Cancels the update. CloudFormation refuses if it has just ended; the next call sees that."""
    try:
        cloudformation.cancel_update_stack(StackName=settings.stack, ClientRequestToken=_cancel_token(job))
    except ClientError as error:
        if transient(error):
            if job.seconds_since("cancelling") < _CANCEL_SECONDS:
                job.extend(1)  # otherwise the deadline would end the job while the update is in progress
            raise
        job.state["refused"] = shortened(str(error), 200)
    else:
        job.seconds_since("cancelled")
    job.extend(_ROLLBACK_MINUTES)


def _why(job: Job, settings: Settings, status: str, events: list[dict[str, Any]], version: str) -> str:
    reasons = [
        f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("_FAILED")
        and event.get("ResourceStatusReason")
        and "cancelled" not in event["ResourceStatusReason"]
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
