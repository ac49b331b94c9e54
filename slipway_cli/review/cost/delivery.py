"""What delivery uses: pipelines, builds, functions, queues."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from slipway_cli.review.cost.template import Json, Resource
from slipway_cli.review.cost.use import UnknownUseError, Use

_CHIPS = {"ARM_CONTAINER": "arm", "LINUX_CONTAINER": "linux"}


def pipeline(it: Resource) -> Iterator[Use]:
    """Minutes of actions, but for approvals, which AWS does not charge."""
    if it.text("PipelineType") != "V2":
        raise UnknownUseError("prices are of V2 pipelines")
    actions = sum(1 for action in _actions(it.properties) if action["ActionTypeId"]["Category"] != "Approval")
    minutes = it.assume.runs * actions * it.assume.action_minutes
    assumed = f"{it.assume.runs} runs of {actions} actions, {it.assume.action_minutes} minutes each"
    yield Use(f"pipeline {it.text('Name', it.logical_id)}", "pipeline-action-minute", minutes, "minutes", assumed)


def project(it: Resource) -> Iterator[Use]:
    """Minutes of the builds that pipelines start in a project."""
    environment = it.properties.get("Environment", {})
    chip, size = _CHIPS.get(environment.get("Type")), str(environment.get("ComputeType")).rpartition("_")[2].lower()
    if chip is None:
        raise UnknownUseError(f"prices are of Linux containers, this is {environment.get('Type')}")
    started = sum(
        1
        for _, each in it.of_type("AWS::CodePipeline::Pipeline")
        for action in _actions(each)
        if action.get("Configuration", {}).get("ProjectName") == {"Ref": it.logical_id}
    )
    minutes = it.assume.runs * started * it.assume.build_minutes
    assumed = f"{it.assume.runs * started} builds, {it.assume.build_minutes} minutes each"
    what = f"builds {it.text('Name', it.logical_id)} ({chip}, {size})"
    yield Use(what, f"build-minute-{chip}-{size}", minutes, "minutes", assumed)


def function(it: Resource) -> Iterator[Use]:
    """Calls of a function, and the memory they hold."""
    chip = (it.properties.get("Architectures") or ["x86_64"])[0]
    memory = (it.number(it.properties.get("MemorySize", 128)) or Decimal(128)) / 1024
    millions = it.assume.calls_millions
    assumed = f"{millions} million calls, one second each"
    yield Use(f"function {it.logical_id}, calls", "lambda-million-requests", millions, "millions", assumed)
    seconds = millions * 1_000_000 * memory
    yield Use(f"function {it.logical_id}, time", f"lambda-gb-second-{chip}", seconds, "GB-seconds", assumed)


def queue(it: Resource) -> Iterator[Use]:
    """Requests to a queue."""
    millions = it.assume.messages_millions
    assumed = f"{millions} million requests a month"
    yield Use(f"queue {it.logical_id}", "sqs-million-requests", millions, "millions", assumed)


def _actions(properties: Json) -> Iterator[Json]:
    for stage in properties.get("Stages", []):
        yield from stage.get("Actions", [])
