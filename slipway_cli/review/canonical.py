"""Normalizes templates, so that a comparison shows only intended changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
_HASH = re.compile(r"(?<![0-9a-fA-F])[0-9a-f]{64}(?![0-9a-fA-F])")
_INTERPOLATED = re.compile(r"\$\{([A-Za-z0-9:]+)((?:\.[A-Za-z0-9.]+)?)\}")
_IGNORED_TYPES = frozenset({"AWS::CDK::Metadata"})
# CDK appends a hash of the content to the logical ids of these types, so that new content creates a new resource.
_NAMED_BY_CONTENT = frozenset({"AWS::Lambda::Version", "AWS::ApiGateway::Deployment", "AWS::ApiGatewayV2::Deployment"})
_IGNORED_PARAMETERS = frozenset({"BootstrapVersion"})


def resources(template: Mapping[str, Any]) -> dict[str, Json]:
    """Returns the well-formed resources by logical id, without those that deploy nothing."""
    return {
        logical_id: resource
        for logical_id, resource in (template.get("Resources") or {}).items()
        if isinstance(resource, dict)
        and isinstance(resource.get("Type"), str)
        and resource["Type"] not in _IGNORED_TYPES
    }


def others(template: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns parameters, conditions, mappings and outputs, without those that CDK adds to every stack."""
    found = {
        section: dict(template.get(section) or {})
        for section in ("Parameters", "Conditions", "Mappings", "Outputs", "Transform")
        if isinstance(template.get(section) or {}, dict)
    }
    found["Parameters"] = {k: v for k, v in found.get("Parameters", {}).items() if k not in _IGNORED_PARAMETERS}
    return found


def named_by_content(kind: str) -> bool:
    """True if CDK derives the logical id of such a resource from its content."""
    return kind in _NAMED_BY_CONTENT


def scrubbed(value: Any) -> Any:
    """Returns a value with each hash of an asset or image replaced by a placeholder."""
    if isinstance(value, str):
        return _HASH.sub("<hash>", value)
    if isinstance(value, Mapping):
        return {key: scrubbed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [scrubbed(item) for item in value]
    return value


def simplified(value: Any, template: Mapping[str, Any]) -> Any:
    """Returns a value with those intrinsic functions resolved that depend on the template alone."""
    if isinstance(value, list):
        return [simplified(item, template) for item in value]
    return _simplified(value, template) if isinstance(value, Mapping) else value


def _simplified(value: Mapping[str, Any], template: Mapping[str, Any]) -> Any:
    inner = {key: simplified(argument, template) for key, argument in value.items()}
    if len(inner) != 1:
        return inner
    (name, argument), *_ = inner.items()
    if name == "Fn::FindInMap":
        return _found_in_map(argument, template, inner)
    if name == "Fn::Join" and isinstance(argument, list) and len(argument) == 2:  # noqa: PLR2004 - delimiter and parts
        parts = argument[1]
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            return str(argument[0]).join(parts)
    if name == "Fn::Sub" and isinstance(argument, str) and "${" not in argument:
        return argument
    return inner


def _found_in_map(argument: Any, template: Mapping[str, Any], inner: Json) -> Any:
    place: Any = template.get("Mappings") or {}
    for key in argument if isinstance(argument, list) else [None]:
        if not isinstance(key, str) or not isinstance(place, Mapping) or key not in place:
            return inner
        place = place[key]
    return place


def renamed(value: Any, ids: Mapping[str, str]) -> Any:
    """Returns a value whose references to the given logical ids are replaced."""
    if isinstance(value, list):
        return [renamed(item, ids) for item in value]
    return _renamed(value, ids) if ids and isinstance(value, Mapping) else value


def _renamed(value: Mapping[str, Any], ids: Mapping[str, str]) -> Any:
    if set(value) == {"Ref"} and isinstance(value["Ref"], str):
        return {"Ref": ids.get(value["Ref"], value["Ref"])}
    if set(value) == {"Fn::GetAtt"}:
        name, attribute = split_attribute(value["Fn::GetAtt"])
        return {"Fn::GetAtt": [ids.get(name, name), attribute]}
    if set(value) == {"Fn::Sub"}:
        text, *more = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else [value["Fn::Sub"]]
        text = _INTERPOLATED.sub(lambda match: f"${{{ids.get(match[1], match[1])}{match[2]}}}", str(text))
        return {"Fn::Sub": [text, *(renamed(variables, ids) for variables in more)] if more else text}
    return {key: renamed(inner, ids) for key, inner in value.items()}


def split_attribute(argument: Any) -> tuple[str, str]:
    """Returns the logical id and the attribute of a `Fn::GetAtt`, written as a list or with a dot."""
    if isinstance(argument, list):
        return str(argument[0]), ".".join(str(part) for part in argument[1:])
    name, _, attribute = str(argument).partition(".")
    return name, attribute


def references(value: Any) -> Iterator[str]:
    """Yields the logical ids and parameters that a value refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, Mapping):
        for name, argument in value.items():
            if name == "Ref" and isinstance(argument, str):
                yield argument
            elif name == "Fn::GetAtt":
                yield split_attribute(argument)[0]
            elif name == "Fn::Sub":
                text = argument[0] if isinstance(argument, list) else argument
                yield from (match[1] for match in _INTERPOLATED.finditer(str(text)))
                yield from references(argument[1:] if isinstance(argument, list) else None)
            else:
                yield from references(argument)


def key(value: Any) -> str:
    """Returns a value as JSON with sorted keys, so that equal values give equal texts."""
    return json.dumps(value, sort_keys=True, default=str)
