"""Parameter Store: the rules of PutParameter that MiniStack does not apply, and the tags of documents.

docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import ssm

from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ssm:_default_tier",
    "ministack.services.ssm:_parameter_history",
    "ministack.services.ssm:_parameters",
    "ministack.services.ssm:_put_parameter",
)

STANDARD, ADVANCED, INTELLIGENT = "Standard", "Advanced", "Intelligent-Tiering"
LARGEST = {STANDARD: 4096, ADVANCED: 8192}
"""Bytes of a value by tier."""
_MOST_LEVELS = 15
_MOST_VERSIONS = 100
_POLICY_TYPES = ("Expiration", "ExpirationNotification", "NoChangeNotification")
_NAME = re.compile(r"[a-zA-Z0-9_.\-/]+")
_NAME_MESSAGE = (
    'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive). If formed as a path, it can consist of '
    "sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 "
    "symbols .-_"
)
_PAGE = "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"


def _tier(request: Mapping[str, Any], value: str, existing: Mapping[str, Any] | None) -> str:
    """Returns the tier that the parameter gets: Standard or Advanced.

    Raises:
        ServiceError: if the value is too large for the tier, or an advanced parameter would become a standard one.
    """
    wanted = request.get("Tier") or ssm._default_tier(request, value, existing)
    size, was_advanced = len(value.encode()), bool(existing and existing.get("Tier") == ADVANCED)
    if wanted == INTELLIGENT:
        wanted = ADVANCED if size > LARGEST[STANDARD] or request.get("Policies") or was_advanced else STANDARD
    if wanted == STANDARD and request.get("Policies"):
        raise _invalid("Parameter policies need the advanced-parameter tier.")
    if wanted == STANDARD and was_advanced:
        raise _invalid(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the "
            "advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced "
            "parameter and recreate it as a standard parameter."
        )
    if size > LARGEST[wanted]:
        more = (
            " To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. "
            f"For more information, see {_PAGE}"
        )
        raise _invalid(
            f"{wanted} tier parameters support a maximum parameter value of {LARGEST[wanted]} characters."
            + (more if wanted == STANDARD else "")
        )
    return str(wanted)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message)


def check(request: Mapping[str, Any], existing: Mapping[str, Any] | None) -> dict[str, Any]:
    """Returns the request with the tier that the parameter gets.

    Raises:
        ServiceError: if the name, the value, the type or the pattern is not valid.
    """
    name, value = str(request["Name"]), str(request["Value"])
    if not value:
        raise _invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length "
            "greater than or equal to 1."
        )
    if not _NAME.fullmatch(name) or ("/" in name and not name.startswith("/")):
        raise _invalid(_NAME_MESSAGE)
    if name.count("/") > _MOST_LEVELS:
        raise ServiceError(
            "HierarchyLevelLimitExceededException",
            "Parameter name must not have more than 15 levels: write it with fewer slashes.",
        )
    if existing and request.get("Overwrite") and request.get("Type", existing["Type"]) != existing["Type"]:
        raise ServiceError(
            "HierarchyTypeMismatchException",
            f"The parameter {name} has the type {existing['Type']}, which cannot change: create another parameter.",
        )
    _match(request.get("AllowedPattern") or "", value)
    policies = _policies(request.get("Policies"))
    return {**request, "Tier": _tier(request, value, existing), "Policies": policies}


def _policies(given: Any) -> list[dict[str, str]]:
    """Returns the policies of a request, a JSON text, as answers have them.

    Raises:
        ServiceError: `InvalidPolicyTypeException` or `InvalidPolicyAttributeException`.
    """
    if not isinstance(given, str):  # CloudFormation's rollback gives what it read
        return list(given or [])
    try:
        listed = json.loads(given or "[]")
        kinds = [policy["Type"] for policy in listed]
    except (ValueError, TypeError, KeyError) as error:
        message = "Policies must be a JSON list of objects with Type, Version and Attributes."
        raise ServiceError("InvalidPolicyAttributeException", message) from error
    if unknown := [kind for kind in kinds if kind not in _POLICY_TYPES]:
        message = f"The policy type {unknown[0]} is not valid: write {', '.join(_POLICY_TYPES)}."
        raise ServiceError("InvalidPolicyTypeException", message)
    return [
        {"PolicyText": json.dumps(policy), "PolicyType": policy["Type"], "PolicyStatus": "Pending"} for policy in listed
    ]


def _match(pattern: str, value: str) -> None:
    if not pattern:
        return
    try:
        found = re.search(pattern, value)
    except re.error as error:
        raise ServiceError("InvalidAllowedPatternException", f"The regular expression is not valid: {error}") from error
    if not found:
        message = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        raise ServiceError("ParameterPatternMismatchException", message)


def _forget(name: str) -> None:
    """Delete the oldest version when a parameter has 100; a labelled one cannot be deleted."""
    history = ssm._parameter_history.get(name) or []
    if len(history) < _MOST_VERSIONS:
        return
    if history[0].get("Labels"):
        message = f"You attempted to create a new version of {name}, but its oldest version, which must be deleted, "
        message += f"has the labels {', '.join(history[0]['Labels'])}. Move them to another version."
        raise ServiceError("ParameterMaxVersionLimitExceeded", message)
    del history[0]


def putting(original: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns PutParameter with AWS's rules in front of MiniStack's function, which CloudFormation calls, too."""

    def put(request: dict[str, Any]) -> Any:
        name = str(request.get("Name", ""))
        existing = ssm._parameters.get(name)
        if existing and not request.get("Overwrite"):
            return original(request)
        try:
            checked = check(request, existing)
            _forget(name)
        except ServiceError as error:
            return 400, {"Content-Type": "application/x-amz-json-1.1"}, _body(error)
        return original(checked)

    return put


def _body(error: ServiceError) -> bytes:
    return json.dumps({"__type": error.code, "message": str(error)}).encode()


def install() -> None:
    """Put the rules in front of MiniStack's function."""
    ssm._put_parameter = putting(ssm._put_parameter)
