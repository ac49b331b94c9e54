"""The values of a document's parameters: checked against their declaration, and put in place of `{{ Name }}`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from localcloud.ssm.content import Content, Parameter
from localcloud.ssm.errors import ServiceError

Values = dict[str, Any]
_LISTS = ("StringList", "MapList")
_PARAMETER_STORE = re.compile(r"\{\{ *ssm(-secure)?:")


def values(content: Content, given: Mapping[str, Sequence[str]]) -> Values:
    """Returns a text, or a list for StringList, for each parameter of the document.

    Raises:
        ServiceError: `InvalidParameters`, with the parameter, what is wrong with it, and what the document allows.
    """
    known = {parameter.name: parameter for parameter in content.parameters}
    if unknown := sorted(set(given) - set(known)):
        allowed = f"it has {', '.join(known)}" if known else "it has none"
        raise _invalid(f"The document has no parameter {unknown[0]}: {allowed}.")
    return {name: _value(parameter, given.get(name)) for name, parameter in known.items()}


def _invalid(reason: str) -> ServiceError:
    return ServiceError("InvalidParameters", reason)


def _value(parameter: Parameter, given: Sequence[str] | None) -> Any:
    name = parameter.name
    if given is None:
        if parameter.default is None:
            raise _invalid(f"The parameter {name} has no default: give a value.")
        found = parameter.default
        given = [_text(item) for item in found] if isinstance(found, list) else [_text(found)]
    if parameter.type not in _LISTS and len(given) != 1:
        raise _invalid(f"The parameter {name} is a {parameter.type}: give one value, not {len(given)}.")
    for value in given:
        _check(parameter, value)
    limits = parameter.limits
    if not limits.get("minItems", 0) <= len(given) <= limits.get("maxItems", len(given)):
        raise _invalid(f"The parameter {name} has {len(given)} values: its limits are {dict(limits)}.")
    return list(given) if parameter.type in _LISTS else given[0]


def _check(parameter: Parameter, value: str) -> None:
    name, limits = parameter.name, parameter.limits
    if _PARAMETER_STORE.search(value):
        raise _invalid(f"The parameter {name} refers to Parameter Store: the local cloud does not read {value}.")
    allowed = [_text(item) for item in parameter.allowed_values]
    if allowed and value not in allowed:
        raise _invalid(f"The parameter {name} is {value!r}: the allowed values are {', '.join(allowed)}.")
    if parameter.allowed_pattern and not re.search(parameter.allowed_pattern, value):
        raise _invalid(f"The parameter {name} is {value!r}: it must match {parameter.allowed_pattern}")
    if parameter.type == "Integer" and not re.fullmatch(r"-?\d+", value):
        raise _invalid(f"The parameter {name} is {value!r}: write a whole number.")
    if parameter.type == "Boolean" and value not in {"true", "false"}:
        raise _invalid(f"The parameter {name} is {value!r}: write true or false.")
    if parameter.type in ("StringMap", "MapList") and not _is_map(value):
        raise _invalid(f"The parameter {name} is {value!r}: write a JSON object.")
    if not limits.get("minChars", 0) <= len(value) <= limits.get("maxChars", len(value)):
        raise _invalid(f"The parameter {name} has {len(value)} characters: its limits are {dict(limits)}.")


def _is_map(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def fill(text: Any, known: Values) -> Any:
    """Returns an input of a step with the values of the parameters.

    An input that is one reference to a StringList becomes the list. In a longer text a list becomes JSON. A reference
    to something that is no parameter, such as `{{ .Names }}` for Docker, is left as it is.
    """
    if isinstance(text, list):
        filled = [fill(item, known) for item in text]
        return [line for item in filled for line in (item if isinstance(item, list) else [item])]
    if not isinstance(text, str):
        return _text(text)
    whole = re.fullmatch(r"\{\{ *(\w+) *\}\}", text)
    if whole and whole[1] in known:
        return known[whole[1]]
    return re.sub(r"\{\{ *(\w+) *\}\}", lambda match: _text(known.get(match[1], match[0])), text)
