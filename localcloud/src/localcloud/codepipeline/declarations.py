"""Pipelines as they are declared: created, changed, listed, tagged, and their transitions opened and closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from localcloud.codepipeline import executions, git, structure, views
from localcloud.codepipeline.errors import ActionError, ServiceError, not_found
from localcloud.codepipeline.executions import has_stage
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline, Place

SYMBOLS = ("ministack.core.iam_evaluator:caller_arn",)

Request = Mapping[str, Any]
Answer = dict[str, Any]


def place() -> Place:
    """Account and region of the request."""
    return get_account_id(), get_region()


def existing(name: str) -> Pipeline:
    """The pipeline of that name."""
    found = STORE.get(place(), name)
    if found is None:
        raise not_found(name, place()[0])
    return found


def caller() -> str:
    """Who makes the request."""
    return str(iam_evaluator.caller_arn()) or f"arn:aws:iam::{place()[0]}:root"


# --- pipelines -------------------------------------------------------------------------------------------------------


def _declared(request: Request) -> dict[str, Any]:
    declaration = deepcopy(dict(request["pipeline"]))
    structure.check(declaration)
    declaration.setdefault("pipelineType", "V1")
    declaration.setdefault("executionMode", "SUPERSEDED")
    for _, action in structure.actions(declaration):
        action.setdefault("runOrder", 1)
    return declaration


def _create(request: Request) -> Answer:
    declaration = _declared(request)
    with STORE.changed:
        known = STORE.get(place(), declaration["name"])
        if known is not None and not known.left_over:
            said = f"A pipeline with the name '{known.name}' already exists in account '{place()[0]}'"
            raise ServiceError("PipelineNameInUseException", said)
        declaration["version"] = known.declaration["version"] + 1 if known is not None else 1
        pipeline = Pipeline(place(), declaration, executions=known.executions if known is not None else [])
        pipeline.versions[declaration["version"]] = declaration
        pipeline.tags = {tag["key"]: tag["value"] for tag in request.get("tags") or []}
        STORE.put(pipeline)
    if _has_sources(declaration):
        executions.start_if_possible(pipeline, {"triggerType": "CreatePipeline", "triggerDetail": caller()})
    return {"pipeline": declaration, "tags": _tags(pipeline)}


def _has_sources(declaration: Mapping[str, Any]) -> bool:
    """Whether the branches a new pipeline begins with are there: else its first run could only fail."""
    for action in declaration["stages"][0]["actions"]:
        configuration = action.get("configuration") or {}
        try:
            repository = git.Repository.named(configuration.get("FullRepositoryId", ""))
            repository.commit(f"refs/heads/{configuration.get('BranchName', '')}")
        except ActionError:
            return False
    return True


def _update(request: Request) -> Answer:
    declaration = _declared(request)
    with STORE.changed:
        pipeline = existing(declaration["name"])
        before = {name: value for name, value in pipeline.declaration.items() if name != "version"}
        version = pipeline.declaration["version"] + 1
        if before != {name: value for name, value in declaration.items() if name != "version"}:
            executions.cancel(pipeline)
        pipeline.declaration = pipeline.versions[version] = {**declaration, "version": version}
        pipeline.updated = time.time()
        STORE.put(pipeline)
    return {"pipeline": pipeline.declaration}


def _get(request: Request) -> Answer:
    pipeline = existing(request["name"])
    version = request.get("version") or pipeline.declaration["version"]
    declaration = {**pipeline.versions, pipeline.declaration["version"]: pipeline.declaration}.get(version)
    if declaration is None:
        said = f"The pipeline '{pipeline.name}' has no version {version}"
        raise ServiceError("PipelineVersionNotFoundException", said)
    return views.pipeline(pipeline, declaration)


def _delete(request: Request) -> Answer:
    pipeline = STORE.get(place(), request["name"])
    if pipeline is not None:
        executions.cancel(pipeline)
        STORE.remove(pipeline)
    return {}


def _list(request: Request) -> Answer:
    with STORE.changed:
        rows = [views.listed(pipeline) for pipeline in STORE.of(place())]
    return views.page(rows, "pipelines", request)


def _state(request: Request) -> Answer:
    with STORE.changed:
        return views.state(existing(request["name"]))


# --- transitions and tags --------------------------------------------------------------------------------------------


def _transition(enabled: bool) -> Callable[[Request], Answer]:
    def change(request: Request) -> Answer:
        with STORE.changed:
            pipeline, stage = existing(request["pipelineName"]), request["stageName"]
            has_stage(pipeline, stage)
            names = [one["name"] for one in pipeline.declaration["stages"]]
            number = names.index(stage) + (request["transitionType"] == "Outbound")
            if number >= len(names):
                raise ServiceError("ValidationException", f"Nothing comes after stage '{stage}'")
            moved = pipeline.transition(names[number])
            moved.enabled, moved.reason = enabled, str(request.get("reason") or "")
            moved.by, moved.at = caller(), time.time()
            STORE.put(pipeline)
        return {}

    return change


def _tags(pipeline: Pipeline) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pipeline.tags.items()]


def _tagged(request: Request) -> Pipeline:
    arn = str(request["resourceArn"])
    pipeline = STORE.get(place(), arn.rsplit(":", 1)[-1])
    if pipeline is None or pipeline.arn != arn:
        raise ServiceError("ResourceNotFoundException", f"There is no resource {arn}")
    return pipeline


def _tag(request: Request) -> Answer:
    with STORE.changed:
        pipeline = _tagged(request)
        pipeline.tags.update({tag["key"]: tag["value"] for tag in request["tags"]})
        STORE.put(pipeline)
    return {}


def _untag(request: Request) -> Answer:
    with STORE.changed:
        pipeline = _tagged(request)
        pipeline.tags = {key: value for key, value in pipeline.tags.items() if key not in request["tagKeys"]}
        STORE.put(pipeline)
    return {}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {
    "CreatePipeline": _create,
    "UpdatePipeline": _update,
    "GetPipeline": _get,
    "DeletePipeline": _delete,
    "ListPipelines": _list,
    "GetPipelineState": _state,
    "EnableStageTransition": _transition(True),
    "DisableStageTransition": _transition(False),
    "TagResource": _tag,
    "UntagResource": _untag,
    "ListTagsForResource": lambda request: {"tags": _tags(_tagged(request))},
}
