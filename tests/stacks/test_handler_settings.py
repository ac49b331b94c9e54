"""A handler reads no setting that no stack gives it: code behind such a setting would never run."""

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

# Set where the manifest has the key in brackets, which no shipped product has.
OPTIONAL = {
    "notify": {"slack_secret", "discord_secret"},  # [pipeline.notifications]
}
SOURCES = {path.parent.name: path for path in sorted((ROOT / "lambda").glob("*/handler.py"))}
WITH_SETTINGS = [name for name, path in SOURCES.items() if "parameters: Parameters" in path.read_text(encoding="utf-8")]
VARIABLE = re.compile(r"#\{[^}]*\}")
IMAGE = f"registry/repository@sha256:{'b' * 64}"
PROBE = "a_setting_of_no_handler"


def flat(value: Any) -> str:
    """A text of a template, with what only AWS knows replaced by `x`."""
    if isinstance(value, str):
        return value
    return "".join(part if isinstance(part, str) else "x" for part in value["Fn::Join"][1])


def functions(handler: str) -> Iterator[tuple[str, Json, Json]]:
    """The functions of a handler in all shipped products: stack, logical id, variables."""
    for product in PRODUCTS:
        for place, found in shipped(product).resources("AWS::Lambda::Function").items():
            if found["Properties"]["Handler"] == f"{handler}.handler.main":
                stack, _, logical_id = place.partition("/")
                variables = found["Properties"].get("Environment", {}).get("Variables", {})
                yield logical_id, shipped(product)[stack], variables


def user_parameters(template: Json, function: str) -> list[str]:
    """What the actions that call a function tell it; nothing, once, where no action does."""
    told = [
        flat(action["Configuration"]["UserParameters"])
        for pipeline in template["Resources"].values()
        if pipeline["Type"] == "AWS::CodePipeline::Pipeline"
        for stage in pipeline["Properties"]["Stages"]
        for action in stage["Actions"]
        if action["Configuration"].get("FunctionName") == {"Ref": function}
    ]
    return [VARIABLE.sub(lambda found: IMAGE if "IMAGE" in found[0] else "x", text) for text in told] or ["{}"]


def calls(handler: str) -> list[tuple[Json, Json]]:
    """Of each way a handler is called, the JSON of its environment and of its user parameters."""
    return [
        (json.loads(flat(variables["SETTINGS"])), json.loads(told))
        for function, template, variables in functions(handler)
        for told in user_parameters(template, function)
    ]


def read(handler: str, fixed: Json, told: Json, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The settings a handler asks for: the refusal of one it does not know lists them."""
    monkeypatch.setenv("SETTINGS", json.dumps({**fixed, PROBE: "any"}))
    settings = importlib.import_module(f"{handler}.handler").Settings
    configuration = {"configuration": {"UserParameters": json.dumps(told)}}
    job = {"CodePipeline.job": {"id": "1", "data": {"actionConfiguration": configuration}}}
    pipeline = ("any-pipeline",) if handler == "cancel_superseded" else ()
    with pytest.raises(ParameterError, match=f"unknown parameter '{PROBE}'") as refused:
        settings.from_parameters(Job(job, 1).parameters, *pipeline)
    return set(str(refused.value).partition("known are: ")[2].split(", "))


def test_every_handler_with_settings_is_deployed() -> None:
    assert [name for name in WITH_SETTINGS if not calls(name)] == []


@pytest.mark.parametrize("handler", WITH_SETTINGS)
def test_every_setting_of_a_handler_is_set_by_a_stack(handler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = set.union(*(read(handler, fixed, told, monkeypatch) for fixed, told in calls(handler)))
    given = {key for fixed, told in calls(handler) for key in (*fixed, *told)}
    without_an_action = {"deadline_minutes"} if not any(told for _, told in calls(handler)) else set()

    assert known - given - OPTIONAL.get(handler, set()) - without_an_action == set()


@pytest.mark.parametrize("handler", sorted(set(SOURCES) - set(WITH_SETTINGS)))
def test_every_variable_a_handler_reads_is_set_by_a_stack(handler: str) -> None:
    code = SOURCES[handler].read_text(encoding="utf-8")
    read_by_it = set(re.findall(r'environ(?:\[|\.get\()"(\w+)"', code))
    given = {key for _, _, variables in functions(handler) for key in variables}

    assert read_by_it
    assert read_by_it <= given
