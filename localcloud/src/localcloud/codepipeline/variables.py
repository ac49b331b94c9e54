"""Variables: `#{namespace.Name}` in the configuration of actions and rules.

docs.aws.amazon.com/codepipeline/latest/userguide/reference-variables.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from localcloud.codepipeline.errors import ActionError

REFERENCE = re.compile(r"#\{([A-Za-z0-9@\-_]+)\.([A-Za-z0-9@\-_]+)\}")
PIPELINE = "variables"
IMPLICIT = "codepipeline"

Scope = Mapping[str, Mapping[str, str]]


def references(text: str) -> Iterator[tuple[str, str]]:
    """Yields every (namespace, name) that a text refers to."""
    for match in REFERENCE.finditer(text):
        yield match[1], match[2]


def resolve(text: str, scope: Scope) -> str:
    """Returns the text with the values of its variables.

    Raises:
        ActionError: if a variable has no value. AWS does not document this case. An action with `#{…}` in its
            configuration would only fail later, with a less clear message.
    """
    missing = sorted({f"#{{{space}.{name}}}" for space, name in references(text) if name not in scope.get(space, {})})
    if missing:
        known = ", ".join(f"{space}.{name}" for space in sorted(scope) for name in sorted(scope[space]))
        message = f"These variables have no value in this run: {', '.join(missing)}. Known: {known}"
        raise ActionError(message, "ConfigurationError")
    return REFERENCE.sub(lambda match: scope[match[1]][match[2]], text)


def configuration(declared: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Returns a configuration with its variables resolved.

    In the JSON of `EnvironmentVariables` every string is resolved separately, so that a quotation mark in a commit
    message does not break the JSON. In all other values, including `UserParameters`, text is simply replaced.
    """
    return {
        key: _resolve_in_json(value, scope) if key == "EnvironmentVariables" else resolve(value, scope)
        for key, value in declared.items()
    }


def _resolve_in_json(value: str, scope: Scope) -> str:
    try:
        parsed = json.loads(value)
    except ValueError:
        return resolve(value, scope)
    return json.dumps(_map_strings(parsed, lambda text: resolve(text, scope)))


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _map_strings(item, change) for key, item in value.items()}
    return value
