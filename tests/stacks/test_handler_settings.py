"""A stack sets every setting that a handler reads: code for another setting would never run."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from paths import ROOT
from shared.job import Job
from shared.parameters import ParameterError
from tests.support.synthesis import PRODUCTS, Json, shipped

# Set only if the manifest has the key in brackets, which no shipped product has.
OPTIONAL = {
    "deploy_hosts": {"alarms", "pipeline", "run", "cluster"},  # [alarm_gate, kubernetes.cluster: eks]
    "deploy_release": {"outputs"},  # [variables, with ${site.domain}, of an environment without a domain]
    "notify": {"slack_secret", "discord_secret"},  # [pipeline.notifications]
}
SOURCES = {path.parent.name: path for path in sorted((ROOT / "lambda").glob("*/handler.py"))}
WITH_SETTINGS = [
    name
    for name, path in SOURCES.items()
    if any("parameters: Parameters" in file.read_text(encoding="utf-8") for file in path.parent.glob("*.py"))
]
VARIABLE = re.compile(r"#\{[^}]*\}")
IMAGE = f"registry/repository@sha256:{'b' * 64}"
PROBE = "a_setting_of_no_handler"


def flat(value: Any) -> str:
    """Returns a text of a template, with `x` in place of values that only AWS knows."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "x" for part in value["Fn::Join"][1])


def functions(handler: str) -> Iterator[tuple[str, Json, Json]]:
    """Yields the functions of a handler in all shipped products and one example: logical id, template, variables."""
    for product in (*PRODUCTS, "tiny"):  # the one whose stacks the pipeline deploys
        for place, found in shipped(product).resources("AWS::Lambda::Function").items():
            if found["Properties"]["Handler"] == f"{handler}.handler.main":
                stack, _, logical_id = place.partition("/")
                variables = found["Properties"].get("Environment", {}).get("Variables", {})
                yield logical_id, shipped(product)[stack], variables


def user_parameters(template: Json, function: str) -> list[str]:
    """Returns the user parameters in each action that calls a function; `{}` if no action calls it."""
    parameters = [
        flat(action["Configuration"]["UserParameters"])
        for pipeline in template["Resources"].values()
        if pipeline["Type"] == "AWS::CodePipeline::Pipeline"
        for stage in pipeline["Properties"]["Stages"]
        for action in stage["Actions"]
        if action["Configuration"].get("FunctionName") == {"Ref": function}
    ]
    given = [VARIABLE.sub(lambda found: _example(found[0].upper()), text) for text in parameters]
    return given or ["{}"]


def _example(variable: str) -> str:
    examples = {
        "IMAGE": IMAGE,
        "BUNDLE": "b" * 64,
        "MANIFESTS": "b" * 64,
        "COMMITID": "c" * 40,
        "PUBLISHED_TAGS": "label:x",
    }
    return next((example for part, example in examples.items() if part in variable), "x")


def calls(handler: str) -> list[tuple[Json, Json]]:
    """Returns the settings in a handler's environment and its user parameters, for each way in which it is called."""
    return [
        (json.loads(flat(variables["SETTINGS"])), json.loads(parameters))
        for function, template, variables in functions(handler)
        for parameters in user_parameters(template, function)
    ]


def read(handler: str, fixed: Json, parameters: Json, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Returns the settings that a handler knows: its error for an unknown one lists them."""
    monkeypatch.setenv("SETTINGS", json.dumps({**fixed, PROBE: "any"}))
    settings = importlib.import_module(f"{handler}.handler").Settings
    if repositories := {**fixed, **parameters}.get("repositories"):  # the image is in one of them
        parameters = {**parameters, "image": IMAGE.replace("repository", next(iter(repositories)))}
    configuration = {"configuration": {"UserParameters": json.dumps(parameters)}}
    job = {"CodePipeline.job": {"id": "1", "data": {"actionConfiguration": configuration}}}
    pipeline = ("any-pipeline",) if handler == "cancel_superseded" else ()
    with pytest.raises(ParameterError, match=f"unknown parameter '{PROBE}'") as refused:
        settings.from_parameters(Job(job, 1).parameters, *pipeline)
    return set(str(refused.value).partition("known are: ")[2].split(", "))


def test_every_handler_with_settings_is_deployed() -> None:
    assert [name for name in WITH_SETTINGS if not calls(name)] == []


@pytest.mark.parametrize("handler", WITH_SETTINGS)
def test_every_setting_of_a_handler_is_set_by_a_stack(handler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = set.union(*(read(handler, fixed, parameters, monkeypatch) for fixed, parameters in calls(handler)))
    given = {key for fixed, parameters in calls(handler) for key in (*fixed, *parameters)}
    without_an_action = {"deadline_minutes"} if not any(parameters for _, parameters in calls(handler)) else set()

    assert known - given - OPTIONAL.get(handler, set()) - without_an_action == set()


@pytest.mark.parametrize("handler", sorted(set(SOURCES) - set(WITH_SETTINGS)))
def test_every_variable_a_handler_reads_is_set_by_a_stack(handler: str) -> None:
    code = SOURCES[handler].read_text(encoding="utf-8")
    read_by_it = set(re.findall(r'environ(?:\[|\.get\()"(\w+)"', code))
    given = {key for _, _, variables in functions(handler) for key in variables}

    assert read_by_it
    assert read_by_it <= given
