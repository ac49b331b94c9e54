"""Values of a document's parameters."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ssm.samples import step, text

from localcloud.ssm import content, interpolation
from localcloud.ssm.errors import ServiceError


def parsed(**parameters: Any) -> content.Content:
    return content.parse(text(step("true"), **parameters), "JSON")


def test_a_parameter_without_a_value_has_its_default() -> None:
    found = interpolation.values(
        parsed(A={"type": "String", "default": "x"}, B={"type": "StringList", "default": ["y"]}), {}
    )
    assert found == {"A": "x", "B": ["y"]}


@pytest.mark.parametrize(
    ("declaration", "given", "named"),
    [
        ({"type": "String"}, None, "no default"),
        ({"type": "String"}, ["a", "b"], "one value"),
        ({"type": "String", "allowedValues": ["apply", "report"]}, ["drop"], "apply, report"),
        ({"type": "String", "allowedPattern": "^[0-9a-f]{4}$"}, ["$(reboot)"], "^[0-9a-f]{4}$"),
        ({"type": "StringList", "allowedPattern": "^a"}, ["a", "b"], "'b'"),
        ({"type": "StringList", "minItems": 2}, ["a"], "limits"),
        ({"type": "String", "maxChars": 2}, ["abc"], "limits"),
        ({"type": "Integer"}, ["one"], "whole number"),
        ({"type": "Boolean"}, ["yes"], "true or false"),
        ({"type": "StringMap"}, ["[1]"], "JSON object"),
        ({"type": "MapList"}, ["{}", "x"], "JSON object"),
        ({"type": "String"}, ["{{ssm:/secret}}"], "Parameter Store"),
    ],
)
def test_a_value_that_the_declaration_forbids_is_refused(
    declaration: dict[str, Any], given: list[str] | None, named: str
) -> None:
    with pytest.raises(ServiceError) as refused:
        interpolation.values(parsed(Value=declaration), {} if given is None else {"Value": given})
    assert refused.value.code == "InvalidParameters"
    assert named in str(refused.value)


def test_a_value_for_an_unknown_parameter_is_refused() -> None:
    with pytest.raises(ServiceError, match="no parameter Other: it has Value"):
        interpolation.values(parsed(Value={"type": "String", "default": ""}), {"Other": ["x"]})


def test_references_are_replaced_and_everything_else_in_braces_stays() -> None:
    known = {"Name": "web", "Lines": ["one", "two"]}
    assert interpolation.fill("docker ps --format '{{ .Names }}' {{Name}} {{ Name }}", known) == (
        "docker ps --format '{{ .Names }}' web web"
    )
    assert interpolation.fill(["first", "{{ Lines }}"], known) == ["first", "one", "two"]
    assert interpolation.fill("list={{ Lines }}", known) == 'list=["one", "two"]'


def test_a_value_is_not_filled_in_a_second_time() -> None:
    assert interpolation.fill("{{ A }}", {"A": "{{ B }}", "B": "secret"}) == "{{ B }}"
