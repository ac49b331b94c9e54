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
    """Every (namespace, name) that a text refers to."""
    for found in REFERENCE.finditer(text):
        yield found[1], found[2]


def resolve(text: str, scope: Scope) -> str:
    """The text with the values of its variables.

    Raises:
        ActionError: for one that has no value. AWS does not say what it does then; an action that goes on with
            `#{…}` in its configuration would fail later and say less.
    """
    missing = sorted({f"#{{{space}.{name}}}" for space, name in references(text) if name not in scope.get(space, {})})
    if missing:
        known = ", ".join(f"{space}.{name}" for space in sorted(scope) for name in sorted(scope[space]))
        said = f"These variables have no value in this run: {', '.join(missing)}. Known: {known}"
        raise ActionError(said, "ConfigurationError")
    return REFERENCE.sub(lambda found: scope[found[1]][found[2]], text)


def configuration(declared: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """A configuration with its variables resolved.

    Inside `EnvironmentVariables` the values are resolved one by one, so that a quotation mark in a commit message does
    not break the JSON around it. Everywhere else, `UserParameters` too, text is put into text.
    """
    return {
        key: _inside_json(value, scope) if key == "EnvironmentVariables" else resolve(value, scope)
        for key, value in declared.items()
    }


def _inside_json(value: str, scope: Scope) -> str:
    try:
        parsed = json.loads(value)
    except ValueError:
        return resolve(value, scope)
    return json.dumps(_walk(parsed, lambda text: resolve(text, scope)))


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_walk(item, change) for item in value]
    if isinstance(value, dict):
        return {key: _walk(item, change) for key, item in value.items()}
    return value
