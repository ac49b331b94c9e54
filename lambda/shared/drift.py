"""Drift: what differs between deployed resources and the stacks that define them, as CloudFormation detects it.

Nothing here changes a resource. Values that are or may be secret are not returned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.aws import code

HIDDEN = "(not shown: it may be a secret)"
DELETED = "(deleted)"
ABSENT = "(absent)"
_LONGEST = 300  # characters of a value that are shown
_CHANGED = ("MODIFIED", "DELETED")
# Properties that hold secrets, or variables and programs that people put secrets into.
_SECRET_PATH = re.compile(
    r"secret|password|passwd|token|credential|auth|private|/environment(/|$)|/variables(/|$)|user_?data|/command(/|$)",
    re.IGNORECASE,
)
_SECRET_VALUE = re.compile(
    r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|PRIVATE KEY-----|://[^/\s:@]*:[^/\s@]+@"
    r"|\bxox[abpr]-|hooks\.slack\.com/|\beyJ[\w-]{10,}\.|(^|[\"\s=])(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9+/_-]{40,}"
)
_IN_PROGRESS = re.compile(r"drift detection.*in progress", re.IGNORECASE)
_NO_STACK = re.compile(r"does not exist", re.IGNORECASE)


@dataclass(frozen=True)
class Difference:
    """One property that differs, or a resource that is gone."""

    stack: str
    resource: str
    """The logical id, or the construct's path if the stack tells it."""
    kind: str
    property: str
    """The path of the property, e.g. /SecurityGroupIngress/0/CidrIp; empty for a resource that is gone."""
    expected: str
    actual: str


@dataclass(frozen=True)
class Stack:
    """A deployed stack, and when its drift was last detected."""

    name: str
    status: str
    checked: datetime | None


class NotDetectable(Exception):  # noqa: N818 - the state of a stack, not a mistake
    """CloudFormation does not detect the drift of a stack in its present state; the message says why."""


def find(cloudformation: Any, names: Iterable[str]) -> Iterator[Stack]:
    """Yields the deployed ones of the named stacks."""
    for name in names:
        try:
            (found,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except Exception as error:
            if code(error) == "ValidationError" and _NO_STACK.search(str(error)):
                continue
            raise
        checked = found.get("DriftInformation", {}).get("LastCheckTimestamp")
        yield Stack(name, found["StackStatus"], checked)


def start(cloudformation: Any, stack: str) -> str:
    """Starts a detection; returns its id, or an empty text if one is in progress.

    Raises:
        NotDetectable: if the stack is being changed, or its last operation failed.
    """
    try:
        return str(cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"])
    except Exception as error:
        if code(error) != "ValidationError":
            raise
        if _IN_PROGRESS.search(str(error)):
            return ""
        raise NotDetectable(str(error).rpartition("operation: ")[2]) from error


def finished(cloudformation: Any, detection: str) -> bool:
    """True if a detection has ended.

    Raises:
        NotDetectable: if it failed.
    """
    found = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
    if found["DetectionStatus"] == "DETECTION_FAILED":
        raise NotDetectable(found.get("DetectionStatusReason", "CloudFormation gave no reason"))
    return bool(found["DetectionStatus"] == "DETECTION_COMPLETE")


def differences(cloudformation: Any, stack: str, since: datetime | None = None) -> list[Difference] | None:
    """Returns what the last detection found; None if it has not checked every resource since a time.

    CloudFormation lists the resources that it can check, each with the time of its check.
    """
    found: list[Difference] = []
    more: dict[str, str] = {}
    while True:
        page = cloudformation.describe_stack_resource_drifts(StackName=stack, **more)
        for drift in page["StackResourceDrifts"]:
            if since and drift["StackResourceDriftStatus"] != "NOT_CHECKED" and drift["Timestamp"] < since:
                return None
            if drift["StackResourceDriftStatus"] in _CHANGED:
                found += _of_resource(stack, drift)
        if not page.get("NextToken"):
            return sorted(found, key=lambda difference: (difference.resource, difference.property))
        more = {"NextToken": page["NextToken"]}


def _of_resource(stack: str, drift: dict[str, Any]) -> list[Difference]:
    resource, kind = drift["LogicalResourceId"], drift["ResourceType"]
    if drift["StackResourceDriftStatus"] == "DELETED":
        return [Difference(stack, resource, kind, "", drift.get("PhysicalResourceId") or "it exists", DELETED)]
    return [
        Difference(stack, resource, kind, changed["PropertyPath"], *_values(kind, changed))
        for changed in drift.get("PropertyDifferences", ())
    ]


def _values(kind: str, changed: dict[str, Any]) -> tuple[str, str]:
    """Returns the expected and the actual value as people may see them."""
    texts = [str(changed.get(key) or "") for key in ("ExpectedValue", "ActualValue")]
    secret = kind.startswith("AWS::SecretsManager::") or _SECRET_PATH.search(changed["PropertyPath"])
    if secret or any(_hides(text) for text in texts):
        return HIDDEN, HIDDEN
    shown = [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in texts]
    difference = changed.get("DifferenceType")
    return (
        ABSENT if difference == "ADD" else shown[0],
        ABSENT if difference == "REMOVE" else shown[1],
    )


def _hides(text: str) -> bool:
    """True if a value contains something that looks like a secret, also as a key of a JSON value."""
    if _SECRET_VALUE.search(text):
        return True
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return any(_SECRET_PATH.search(f"/{key}/") for key in _keys(value))


def _keys(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)
