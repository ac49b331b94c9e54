"""The CloudFormation resource type AWS::CodePipeline::Pipeline."""

from __future__ import annotations

import time
from typing import Any

from localcloud import adapter
from localcloud.cloudformation import completion

SYMBOLS: tuple[str, ...] = completion.SYMBOLS

TYPE = "AWS::CodePipeline::Pipeline"
_NOT_PASSED_ON = ("Name", "Tags", "DisableInboundStageTransitions", "RestartExecutionOnUpdate", "ArtifactStores")
_SECONDS = 10


def _declaration(name: str, props: adapter.Props) -> adapter.Props:
    declared = {**adapter.without(props, *_NOT_PASSED_ON), "name": name}
    if props.get("ArtifactStores"):
        declared["artifactStores"] = {store["Region"]: store["ArtifactStore"] for store in props["ArtifactStores"]}
    return declared


def _tags(props: adapter.Props) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in adapter.tags(props.get("Tags")).items()]


def _attributes(declaration: dict[str, Any]) -> dict[str, Any]:
    return {"Version": str(declaration["version"])}


def _create(logical_id: str, props: adapter.Props, stack_name: str) -> adapter.Result:
    name = props.get("Name") or adapter.physical_name(stack_name, logical_id, max_len=100)
    wanted: dict[str, Any] = {"pipeline": _declaration(name, props), "tags": _tags(props)}
    made = adapter.call(
        "codepipeline", "create_pipeline", wanted if wanted["tags"] else adapter.without(wanted, "tags")
    )
    _transitions(name, [], props.get("DisableInboundStageTransitions") or [])
    return name, _attributes(made["pipeline"])


def _update(name: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
    if adapter.changed(old, new, "Name"):
        return adapter.replace(_create, adapter.logical_id_of(name), new, stack_name)
    client = adapter.client("codepipeline")
    made = adapter.call("codepipeline", "update_pipeline", {"pipeline": _declaration(name, new)})
    disabled = "DisableInboundStageTransitions"
    _transitions(name, old.get(disabled) or [], new.get(disabled) or [])
    arn = adapter.arn("codepipeline", name)
    removed = sorted(set(adapter.tags(old.get("Tags"))) - set(adapter.tags(new.get("Tags"))))
    if removed:
        client.untag_resource(resourceArn=arn, tagKeys=removed)
    if _tags(new):
        client.tag_resource(resourceArn=arn, tags=_tags(new))
    if adapter.boolean(new.get("RestartExecutionOnUpdate", False)):
        client.start_pipeline_execution(name=name, clientRequestToken=f"update-{time.time_ns()}")
    return name, _attributes(made["pipeline"])


def _transitions(name: str, old: list[dict[str, str]], new: list[dict[str, str]]) -> None:
    client = adapter.client("codepipeline")
    disabled = {transition["StageName"] for transition in new}
    for transition in old:
        stage = transition["StageName"]
        if stage not in disabled:
            client.enable_stage_transition(pipelineName=name, stageName=stage, transitionType="Inbound")
    for transition in new:
        client.disable_stage_transition(
            pipelineName=name, stageName=transition["StageName"], transitionType="Inbound", reason=transition["Reason"]
        )


def _delete(name: str, _props: adapter.Props) -> None:
    adapter.client("codepipeline").delete_pipeline(name=name)


def install() -> None:
    """Registers the resource type."""
    adapter.register(TYPE, _create, _delete, _update, send_back_failed_update=True)
