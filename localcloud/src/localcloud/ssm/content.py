"""The content of Command documents of schema version 2.2: parameters and steps, checked when a document is stored.

docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from localcloud.ssm.errors import ServiceError, bad_content

SHELL = "aws:runShellScript"
POWERSHELL = "aws:runPowerShellScript"
LARGEST = 64 * 1024
"""Bytes of a document: docs.aws.amazon.com/general/latest/gr/ssm.html, "Document size limit"."""
_TYPES = ("String", "StringList", "Integer", "Boolean", "StringMap", "MapList")
_DOCUMENT_KEYS = {"schemaVersion", "description", "parameters", "mainSteps", "assumeRole", "files", "$schema"}
_PARAMETER_KEYS = {
    "type",
    "description",
    "default",
    "allowedValues",
    "allowedPattern",
    "displayType",
    "minItems",
    "maxItems",
    "minChars",
    "maxChars",
}
_STEP_KEYS = {"action", "name", "description", "inputs", "precondition"}
_INPUT_KEYS = {"runCommand", "timeoutSeconds", "workingDirectory", "onFailure", "onSuccess", "finallyStep"}
_STEP_NAME = re.compile(r"[a-zA-Z0-9_:\-]{1,128}")
_SECONDS = range(1, 172_801)  # documents-command-ssm-plugin-reference.html, aws:runShellScript, timeoutSeconds
_REFERENCE = re.compile(r"\{\{ *[\w:-]+ *\}\}")


@dataclass(frozen=True)
class Parameter:
    """A parameter of a document."""

    name: str
    type: str
    description: str = ""
    default: Any = None
    allowed_values: tuple[Any, ...] = ()
    allowed_pattern: str = ""
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """A step of a document: one plugin with its inputs."""

    name: str
    plugin: str
    inputs: Mapping[str, Any]
    precondition: tuple[str, str] | None = None
    """Two texts that must be equal, or the step is skipped."""


@dataclass(frozen=True)
class Content:
    """The content of a document."""

    description: str
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    schema: str = "2.2"

    @property
    def platforms(self) -> list[str]:
        """The platforms that have a step which runs on them."""
        windows = any(step.plugin == POWERSHELL for step in self.steps)
        return ["Linux", "MacOS", *(["Windows"] if windows else [])]


def load(text: str, form: str) -> Any:
    """Returns the data of a document's text in the format JSON or YAML.

    Raises:
        ServiceError: if the text cannot be read.
    """
    try:
        return json.loads(text) if form == "JSON" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_content(f"{form} not well-formed: {error}") from error


def parse(text: str, form: str) -> Content:
    """Returns the content of a document.

    Raises:
        ServiceError: if the content is not valid, or uses what the local cloud does not run.
    """
    if len(text.encode()) > LARGEST:
        raise ServiceError("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    data = load(text, form)
    if not isinstance(data, dict):
        raise bad_content("The content of a document is an object with schemaVersion, parameters and mainSteps.")
    version = str(data.get("schemaVersion", ""))
    if version != "2.2":
        raise ServiceError(
            "InvalidDocumentSchemaVersion",
            f"The local cloud runs Command documents of schema version 2.2, not {version or 'without schemaVersion'}.",
        )
    _only(data, _DOCUMENT_KEYS, "The document")
    steps = data.get("mainSteps")
    if not isinstance(steps, list) or not steps:
        raise bad_content("mainSteps must be a list with at least one step.")
    parsed = tuple(_step(step, number) for number, step in enumerate(steps, 1))
    names = [step.name for step in parsed]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise bad_content(f"Two steps have the name {twice[0]}.")
    declared = data.get("parameters") or {}
    if not isinstance(declared, dict):
        raise bad_content("parameters must be an object.")
    parameters = tuple(_parameter(str(name), value) for name, value in declared.items())
    return Content(str(data.get("description") or ""), parameters, parsed)


def _only(data: Mapping[str, Any], keys: set[str], where: str) -> None:
    if unknown := sorted(str(key) for key in data if key not in keys):
        raise bad_content(f"{where} has {unknown[0]}, which is not valid or not supported by the local cloud.")


def _parameter(name: str, data: Any) -> Parameter:
    if not isinstance(data, dict) or not re.fullmatch(r"[a-zA-Z0-9_]+", name):
        raise bad_content(f"The parameter {name} must have a name of letters and digits, and be an object.")
    _only(data, _PARAMETER_KEYS, f"The parameter {name}")
    if data.get("type") not in _TYPES:
        raise bad_content(f"The parameter {name} has the type {data.get('type')}: the local cloud knows {_TYPES}.")
    pattern = str(data.get("allowedPattern") or "")
    try:
        re.compile(pattern)
    except re.error as error:
        raise bad_content(f"The allowedPattern of the parameter {name} is not valid: {error}") from error
    limits = {key: int(data[key]) for key in ("minItems", "maxItems", "minChars", "maxChars") if key in data}
    values = tuple(data.get("allowedValues") or ())
    description = str(data.get("description") or "")
    return Parameter(name, data["type"], description, data.get("default"), values, pattern, limits)


def _step(data: Any, number: int) -> Step:
    if not isinstance(data, dict):
        raise bad_content(f"Step {number} must be an object.")
    name, plugin = str(data.get("name") or ""), str(data.get("action") or "")
    _only(data, _STEP_KEYS, f"The step {name or number}")
    if not _STEP_NAME.fullmatch(name):
        raise bad_content(f"Step {number} needs a name of letters, digits, - and _.")
    precondition = _precondition(name, data.get("precondition"))
    windows = plugin == POWERSHELL and precondition in {("platformType", "Windows"), ("Windows", "platformType")}
    if plugin != SHELL and not windows:
        raise bad_content(f"The step {name} has the action {plugin or 'none'}: the local cloud runs {SHELL} only.")
    inputs = data.get("inputs") or {}
    if not isinstance(inputs, dict):
        raise bad_content(f"The inputs of the step {name} must be an object.")
    if plugin == SHELL:
        _inputs(name, inputs)
    return Step(name, plugin, inputs, precondition)


def _inputs(step: str, inputs: Mapping[str, Any]) -> None:
    _only(inputs, _INPUT_KEYS, f"The inputs of the step {step}")
    commands = inputs.get("runCommand")
    if not (isinstance(commands, str) and _REFERENCE.fullmatch(commands)) and not (
        isinstance(commands, list) and all(isinstance(line, str | int | float | bool) for line in commands)
    ):
        raise bad_content(f"The step {step} needs runCommand: a list of texts, or a reference to a StringList.")
    seconds = str(inputs.get("timeoutSeconds", 3600))
    if not _REFERENCE.fullmatch(seconds) and not (seconds.isdecimal() and int(seconds) in _SECONDS):
        raise bad_content(f"timeoutSeconds of the step {step} is {seconds}: write a number from 1 to 172800.")
    for key, allowed in (("onFailure", {"exit", "successAndExit"}), ("onSuccess", {"exit"})):
        if key in inputs and inputs[key] not in allowed:
            raise bad_content(f"{key} of the step {step} must be one of {', '.join(sorted(allowed))}.")


def _precondition(step: str, data: Any) -> tuple[str, str] | None:
    if data is None:
        return None
    operands = data.get("StringEquals") if isinstance(data, dict) and len(data) == 1 else None
    if not isinstance(operands, list) or [type(operand) for operand in operands] != [str, str]:
        raise bad_content(f"The precondition of the step {step} must be StringEquals with two texts.")
    return operands[0], operands[1]


def timeouts(content: Content) -> list[str]:
    """Returns the time limit of each step as written, which may refer to a parameter."""
    return [str(step.inputs.get("timeoutSeconds", 3600)) for step in content.steps]
