"""Validates the structure of a pipeline, beyond the constraints of the API's model.

docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from localcloud.codepipeline import modes, variables
from localcloud.json_services import ServiceError

_SKIPPABLE = {"LambdaInvoke", "VariableCheck"}
_RESULTS = {
    "beforeEntry": {"FAIL", "SKIP"},
    "onSuccess": {"ROLLBACK", "FAIL"},
    "onFailure": {"ROLLBACK"},
}

Declaration = dict[str, Any]


def check(pipeline: Declaration) -> None:
    """Validates a declaration.

    Raises:
        ServiceError: if CodePipeline would reject it.
    """
    _stages(pipeline)
    _artifacts(pipeline)
    _variables(pipeline)
    _type(pipeline)
    for stage in pipeline["stages"]:
        _conditions(pipeline, stage)


def actions(pipeline: Declaration) -> Iterator[tuple[Declaration, Declaration]]:
    """Yields every (stage, action)."""
    for stage in pipeline["stages"]:
        for action in stage["actions"]:
            yield stage, action


def conditions(stage: Declaration) -> Iterator[tuple[str, Declaration]]:
    """Yields every (moment, condition) of a stage."""
    for moment in _RESULTS:
        for condition in (stage.get(moment) or {}).get("conditions") or []:
            yield moment, condition


def _structure_error(message: str) -> ServiceError:
    return ServiceError("InvalidStructureException", message)


def _unique(names: list[str], what: str) -> None:
    for name, next_name in pairwise(sorted(names)):
        if name == next_name:
            raise _structure_error(f"{what} names must be unique; '{name}' is used more than once")


def _stages(pipeline: Declaration) -> None:
    stages = pipeline["stages"]
    if len(stages) < 2:  # noqa: PLR2004 - documented
        raise _structure_error(
            f"Pipeline has {len(stages)} stage(s). There should be a minimum of 2 stages in a pipeline"
        )
    _unique([stage["name"] for stage in stages], "Stage")
    for number, stage in enumerate(stages):
        if not stage["actions"]:
            raise _structure_error(f"Stage '{stage['name']}' must contain at least one action")
        _unique([action["name"] for action in stage["actions"]], f"In stage '{stage['name']}' action")
        kinds = {action["actionTypeId"]["category"] for action in stage["actions"]}
        if number == 0 and kinds != {"Source"}:
            raise _structure_error("Pipeline should start with a stage that only contains source actions")
        if number and "Source" in kinds:
            raise _structure_error(f"Stage '{stage['name']}' has a source action; only the first stage may have one")
    stores = bool(pipeline.get("artifactStore")) + bool(pipeline.get("artifactStores"))
    if stores != 1:
        raise _structure_error("A pipeline must have either artifactStore or artifactStores")


def _artifacts(pipeline: Declaration) -> None:
    produced: set[str] = set()
    for stage in pipeline["stages"]:
        for order in sorted({action.get("runOrder", 1) for action in stage["actions"]}):
            step = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
            for action in step:
                missing = {given["name"] for given in action.get("inputArtifacts") or []} - produced
                if missing:
                    message = f"Input artifact(s) {', '.join(sorted(missing))} of action '{action['name']}'"
                    raise _structure_error(f"{message} are not the output of an earlier action")
            for output in [out["name"] for action in step for out in action.get("outputArtifacts") or []]:
                if output in produced:
                    raise _structure_error(f"Output artifact name must be unique within the pipeline: '{output}'")
                produced.add(output)


def _variables(pipeline: Declaration) -> None:
    namespaces = [action["namespace"] for _, action in actions(pipeline) if action.get("namespace")]
    _unique(namespaces, "Namespace")
    declared = {variable["name"] for variable in pipeline.get("variables") or []}
    known = {*namespaces, variables.PIPELINE, variables.IMPLICIT}
    for _, action in actions(pipeline):
        used = list(variables.references(" ".join((action.get("configuration") or {}).values())))
        if used and action["actionTypeId"]["category"] == "Source":
            raise _action_error(action, "a source action cannot use variables")
        for space, name in used:
            if space not in known:
                raise _action_error(action, f"no action has the namespace of '#{{{space}.{name}}}'")
            if space == variables.PIPELINE and name not in declared:
                raise _action_error(action, f"the pipeline declares no variable '{name}'")


def _action_error(action: Declaration, reason: str) -> ServiceError:
    return ServiceError("InvalidActionDeclarationException", f"Action '{action['name']}': {reason}")


def _type(pipeline: Declaration) -> None:
    mode = pipeline.get("executionMode", modes.SUPERSEDED)
    if pipeline.get("pipelineType", "V1") != "V2":
        conditional = any(stage.get(moment) for stage in pipeline["stages"] for moment in _RESULTS)
        for used, what in (
            (pipeline.get("triggers"), "Triggers"),
            (pipeline.get("variables"), "Variables"),
            (mode != modes.SUPERSEDED, f"Execution mode {mode}"),
            (conditional, "Conditions of stages"),
        ):
            if used:
                raise _structure_error(f"{what} need a pipeline of type V2")
    sources = {action["name"] for action in pipeline["stages"][0]["actions"]}
    named = [trigger["gitConfiguration"]["sourceActionName"] for trigger in pipeline.get("triggers") or []]
    _unique(named, "Trigger source action")
    for name in named:
        if name not in sources:
            raise _structure_error(f"A trigger names the source action '{name}', which does not exist")
    if mode == modes.PARALLEL:
        _parallel(pipeline)


def _parallel(pipeline: Declaration) -> None:
    for stage in pipeline["stages"]:
        results = {condition.get("result") for _, condition in conditions(stage)}
        results.add((stage.get("onFailure") or {}).get("result"))
        if "ROLLBACK" in results:
            raise _structure_error(
                f"Stage '{stage['name']}' has a ROLLBACK result, which PARALLEL mode does not support"
            )


def _conditions(pipeline: Declaration, stage: Declaration) -> None:
    def refuse(reason: str) -> ServiceError:
        return ServiceError("InvalidStageDeclarationException", f"Stage '{stage['name']}': {reason}")

    first = stage["name"] == pipeline["stages"][0]["name"]
    failure = stage.get("onFailure") or {}
    if failure.get("result") == "SKIP":
        raise refuse("the result of onFailure must be ROLLBACK, RETRY or FAIL")
    if first and failure.get("result") == "ROLLBACK":
        raise refuse("a source stage cannot be rolled back")
    if failure.get("result") == "RETRY" and failure.get("conditions"):
        raise refuse("onFailure can have either an automatic retry or conditions")
    for moment, condition in conditions(stage):
        result = condition.get("result")
        if result is not None and result not in _RESULTS[moment]:
            raise refuse(f"{moment} supports the results {', '.join(sorted(_RESULTS[moment]))}, not {result}")
        providers = {rule["ruleTypeId"]["provider"] for rule in condition.get("rules") or []}
        if result == "SKIP" and not providers <= _SKIPPABLE:
            raise refuse(f"SKIP requires rules of {', '.join(sorted(_SKIPPABLE))}")
