"""CodePipeline's operations on pipelines: create, update, list, delete, tags, and stage transitions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from localcloud.codepipeline import executions, git, structure, views
from localcloud.codepipeline.errors import ActionError, no_pipeline
from localcloud.codepipeline.executions import require_stage
from localcloud.codepipeline.state import STORE
from localcloud.codepipeline.store import Pipeline, Place
from localcloud.json_services import ServiceError

SYMBOLS = ("ministack.core.iam_evaluator:caller_arn",)

Request = Mapping[str, Any]
Answer = dict[str, Any]


def place() -> Place:
    """Returns account and region of the current request."""
    return get_account_id(), get_region()


def require_pipeline(name: str) -> Pipeline:
    """Returns the pipeline of that name in the account and region of the request.

    Raises:
        ServiceError: if it does not exist.
    """
    found = STORE.get(place(), name)
    if found is None:
        raise no_pipeline(name, place()[0])
    return found


def caller() -> str:
    """Returns the ARN of the principal that sent the request."""
    return str(iam_evaluator.caller_arn()) or f"arn:aws:iam::{place()[0]}:root"


# --- pipelines -------------------------------------------------------------------------------------------------------


def _checked_declaration(request: Request) -> dict[str, Any]:
    declaration = deepcopy(dict(request["pipeline"]))
    structure.check(declaration)
    declaration.setdefault("pipelineType", "V1")
    declaration.setdefault("executionMode", "SUPERSEDED")
    for _, action in structure.actions(declaration):
        action.setdefault("runOrder", 1)
    return declaration


def _create(request: Request) -> Answer:
    declaration = _checked_declaration(request)
    with STORE.changed:
        known = STORE.get(place(), declaration["name"])
        if known is not None and not known.restored:
            message = f"A pipeline with the name '{known.name}' already exists in account '{place()[0]}'"
            raise ServiceError("PipelineNameInUseException", message)
        declaration["version"] = known.declaration["version"] + 1 if known is not None else 1
        pipeline = Pipeline(place(), declaration, executions=known.executions if known is not None else [])
        pipeline.versions[declaration["version"]] = declaration
        pipeline.tags = {tag["key"]: tag["value"] for tag in request.get("tags") or []}
        STORE.put(pipeline)
    if _source_branches_exist(declaration):
        executions.start_if_possible(pipeline, {"triggerType": "CreatePipeline", "triggerDetail": caller()})
    return {"pipeline": declaration, "tags": _tags(pipeline)}


def _source_branches_exist(declaration: Mapping[str, Any]) -> bool:
    """True if the branches of all source actions exist. If not, the first run of a new pipeline would only fail."""
    for action in declaration["stages"][0]["actions"]:
        configuration = action.get("configuration") or {}
        try:
            repository = git.Repository.named(configuration.get("FullRepositoryId", ""))
            repository.commit(f"refs/heads/{configuration.get('BranchName', '')}")
        except ActionError:
            return False
    return True


def _update(request: Request) -> Answer:
    declaration = _checked_declaration(request)
    with STORE.changed:
        pipeline = require_pipeline(declaration["name"])
        before = {name: value for name, value in pipeline.declaration.items() if name != "version"}
        version = pipeline.declaration["version"] + 1
        if before != {name: value for name, value in declaration.items() if name != "version"}:
            executions.cancel(pipeline)
        pipeline.declaration = pipeline.versions[version] = {**declaration, "version": version}
        pipeline.updated = time.time()
        STORE.put(pipeline)
    return {"pipeline": pipeline.declaration}


def _get(request: Request) -> Answer:
    pipeline = require_pipeline(request["name"])
    version = request.get("version") or pipeline.declaration["version"]
    declaration = {**pipeline.versions, pipeline.declaration["version"]: pipeline.declaration}.get(version)
    if declaration is None:
        message = f"The pipeline '{pipeline.name}' has no version {version}"
        raise ServiceError("PipelineVersionNotFoundException", message)
    return views.pipeline(pipeline, declaration)


def _delete(request: Request) -> Answer:
    pipeline = STORE.get(place(), request["name"])
    if pipeline is not None:
        executions.cancel(pipeline)
        STORE.remove(pipeline)
    return {}


def _list(request: Request) -> Answer:
    with STORE.changed:
        rows = [views.listed(pipeline) for pipeline in STORE.pipelines_of(place())]
    return views.page(rows, "pipelines", request)


def _state(request: Request) -> Answer:
    with STORE.changed:
        return views.state(require_pipeline(request["name"]))


# --- transitions and tags --------------------------------------------------------------------------------------------


def _transition(enabled: bool) -> Callable[[Request], Answer]:
    def change(request: Request) -> Answer:
        with STORE.changed:
            pipeline, stage = require_pipeline(request["pipelineName"]), request["stageName"]
            require_stage(pipeline, stage)
            names = [declared["name"] for declared in pipeline.declaration["stages"]]
            number = names.index(stage) + (request["transitionType"] == "Outbound")
            if number >= len(names):
                raise ServiceError("ValidationException", f"No stage comes after stage '{stage}'")
            transition = pipeline.transition(names[number])
            transition.enabled, transition.reason = enabled, str(request.get("reason") or "")
            transition.by, transition.at = caller(), time.time()
            STORE.put(pipeline)
        return {}

    return change


def _tags(pipeline: Pipeline) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in pipeline.tags.items()]


def _pipeline_of_arn(request: Request) -> Pipeline:
    arn = str(request["resourceArn"])
    pipeline = STORE.get(place(), arn.rsplit(":", 1)[-1])
    if pipeline is None or pipeline.arn != arn:
        raise ServiceError("ResourceNotFoundException", f"The resource {arn} does not exist")
    return pipeline


def _tag(request: Request) -> Answer:
    with STORE.changed:
        pipeline = _pipeline_of_arn(request)
        pipeline.tags.update({tag["key"]: tag["value"] for tag in request["tags"]})
        STORE.put(pipeline)
    return {}


def _untag(request: Request) -> Answer:
    with STORE.changed:
        pipeline = _pipeline_of_arn(request)
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
    "ListTagsForResource": lambda request: {"tags": _tags(_pipeline_of_arn(request))},
}
