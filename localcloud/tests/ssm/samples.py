"""Documents of the tests."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError


def step(*lines: str, name: str = "run", **more: Any) -> dict[str, Any]:
    """Returns a step that runs a shell script; `more` are further inputs, `precondition` the step's."""
    precondition = more.pop("precondition", None)
    found: dict[str, Any] = {"action": "aws:runShellScript", "name": name, "inputs": {"runCommand": [*lines], **more}}
    return {**found, "precondition": precondition} if precondition else found


def document(*steps: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """Returns the content of a Command document."""
    return {"schemaVersion": "2.2", "description": "A test", "parameters": parameters, "mainSteps": [*steps]}


def text(*steps: dict[str, Any], **parameters: Any) -> str:
    return json.dumps(document(*steps, **parameters))


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def message(error: ClientError) -> str:
    return str(error.response["Error"]["Message"])
