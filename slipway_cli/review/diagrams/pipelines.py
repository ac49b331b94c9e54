"""Draws a pipeline from its template. A test compares it with the diagram that is drawn from the manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from products import document
from products.drawing import DrawnStage, Graph, Step, pipeline
from products.flows import Kind
from slipway_cli.review.assembly import Json, Stack

_QUESTION = re.compile(r"(?:enter|change the stacks of) (\S+)\?")


def pipelines(stack: Stack) -> Iterator[tuple[str, Graph]]:
    """Yields the name and diagram of each pipeline of a stack."""
    for resource in stack.resources.values():
        if resource["Type"] == "AWS::CodePipeline::Pipeline":
            properties = resource["Properties"]
            stages = [_stage(stack, stage) for stage in properties.get("Stages", [])]
            yield str(properties["Name"]), pipeline(_starts(properties), stages)


def _stage(stack: Stack, stage: Json) -> DrawnStage:
    back = document.BACK if stage.get("OnFailure", {}).get("Result") == "ROLLBACK" else ""
    return DrawnStage(stage["Name"], tuple(_step(stack, action) for action in stage["Actions"]), back)


def _step(stack: Stack, action: Json) -> Step:
    name, order = action["Name"], int(action.get("RunOrder", 1))
    configuration = action.get("Configuration", {})
    if action["ActionTypeId"]["Category"] == "Approval":
        question = _QUESTION.search(str(configuration.get("CustomData")))
        return Step(document.asks(name, question[1] if question else "go on"), order, gate=True)
    project = stack.resources.get(str((configuration.get("ProjectName") or {}).get("Ref")), {}).get("Properties", {})
    if str(project.get("Description", "")).endswith(Kind.SCAN.value):
        return Step(document.refuses(name), order, gate=True)
    return Step(name, order)


def _starts(properties: Json) -> str:
    """Returns the triggers of a pipeline, in the words of the documentation."""
    found: dict[str, list[str]] = {"pull_requests_to": [], "merged_pull_requests_to": [], "tags": [], "branches": []}
    for trigger in properties.get("Triggers", []):
        git = trigger.get("GitConfiguration", {})
        for pull_request in git.get("PullRequest", []):
            merged = pull_request.get("Events") == ["CLOSED"]
            found["merged_pull_requests_to" if merged else "pull_requests_to"] += pull_request.get("Branches", {}).get(
                "Includes", []
            )
        for push in git.get("Push", []):
            found["tags"] += push.get("Tags", {}).get("Includes", [])
            found["branches"] += push.get("Branches", {}).get("Includes", [])
    return document.starts(**found)
