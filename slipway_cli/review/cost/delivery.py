"""The usage of delivery: pipelines, builds, functions, queues."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Json, Resource
from slipway_cli.review.cost.use import UnknownUseError, Use

_ARCHITECTURES = {
    "ARM_CONTAINER": "arm",
    "LINUX_CONTAINER": "linux",
    "ARM_LAMBDA_CONTAINER": "arm-lambda",
    "LINUX_LAMBDA_CONTAINER": "linux-lambda",
}


def pipeline(resource: Resource) -> Iterator[Use]:
    """Yields the minutes of a pipeline's actions, except approvals, which AWS does not charge."""
    if resource.text("PipelineType") != "V2":
        raise UnknownUseError("only V2 pipelines are priced")
    actions = sum(1 for action in _actions(resource.properties) if action["ActionTypeId"]["Category"] != "Approval")
    minutes = resource.assume.runs * actions * resource.assume.action_minutes
    assumed = f"{resource.assume.runs} runs of {actions} actions, {resource.assume.action_minutes} minutes each"
    yield Use(
        f"pipeline {resource.text('Name', resource.logical_id)}", "pipeline-action-minute", minutes, "minutes", assumed
    )


def project(resource: Resource) -> Iterator[Use]:
    """Yields the minutes of the builds that pipelines start in a project."""
    environment = resource.properties.get("Environment", {})
    architecture, size = (
        _ARCHITECTURES.get(environment.get("Type")),
        str(environment.get("ComputeType")).rpartition("_")[2].lower(),
    )
    if architecture is None:
        raise UnknownUseError(f"only Linux containers are priced, this is {environment.get('Type')}")
    started = sum(
        1
        for _, properties in resource.of_type("AWS::CodePipeline::Pipeline")
        for action in _actions(properties)
        if action.get("Configuration", {}).get("ProjectName") == {"Ref": resource.logical_id}
    )
    minutes = resource.assume.runs * started * resource.assume.build_minutes
    assumed = f"{resource.assume.runs * started} builds, {resource.assume.build_minutes} minutes each"
    what = f"builds {resource.text('Name', resource.logical_id)} ({architecture}, {size})"
    yield Use(what, f"build-minute-{architecture}-{size}", minutes, "minutes", assumed)


def function(resource: Resource) -> Iterator[Use]:
    """Yields the calls of a function and their memory."""
    architecture = (resource.properties.get("Architectures") or ["x86_64"])[0]
    memory = (resource.number(resource.properties.get("MemorySize", 128)) or Decimal(128)) / 1024
    millions = resource.assume.calls_millions
    assumed = f"{millions} million calls, one second each"
    yield Use(f"function {resource.logical_id}, calls", "lambda-million-requests", millions, "millions", assumed)
    seconds = millions * 1_000_000 * memory
    yield Use(
        f"function {resource.logical_id}, time", f"lambda-gb-second-{architecture}", seconds, "GB-seconds", assumed
    )


def queue(resource: Resource) -> Iterator[Use]:
    """Yields the requests to a queue."""
    millions = resource.assume.messages_millions
    assumed = f"{millions} million requests a month"
    yield Use(f"queue {resource.logical_id}", "sqs-million-requests", millions, "millions", assumed)


def _actions(properties: Json) -> Iterator[Json]:
    for stage in properties.get("Stages", []):
        yield from stage.get("Actions", [])
