"""Parameter Store's labels, and the filters of DescribeParameters, where MiniStack ignores rules.

docs.aws.amazon.com/systems-manager/latest/APIReference/API_LabelParameterVersion.html
docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ministack.services import ssm

from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = (
    "ministack.services.ssm:_apply_filter",
    "ministack.services.ssm:_lookup_parameter",
    "ministack.services.ssm:_parameter_history",
    "ministack.services.ssm:_tags",
)

Request = Mapping[str, Any]
_MOST = 10
_VALID = re.compile(r"(?!aws|ssm|\d)[\w.\-]{1,100}", re.IGNORECASE | re.ASCII)
_FILTERS = ("Name", "Type", "KeyId", "Path", "DataType", "Tier", "Label")


def _version(request: Request) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Returns the version of a parameter that a request names, and all versions.

    Raises:
        ServiceError: `ParameterNotFound` or `ParameterVersionNotFound`.
    """
    name, wanted = request["Name"], request.get("ParameterVersion")
    key, parameter = ssm._lookup_parameter(name)
    if parameter is None:
        raise ServiceError("ParameterNotFound", f"Parameter {name} not found.")
    history = ssm._parameter_history.get(key) or []
    found = next((entry for entry in history if entry["Version"] == (wanted or parameter["Version"])), None)
    if found is None:
        message = f"Systems Manager could not find version {wanted} of {name}. Verify the version and try again."
        raise ServiceError("ParameterVersionNotFound", message)
    return found, history


def _label(request: Request) -> dict[str, Any]:
    entry, history = _version(request)
    wanted = request["Labels"]
    invalid = [label for label in wanted if not _VALID.fullmatch(label)]
    valid = [label for label in wanted if label not in invalid]
    if len({*entry["Labels"], *valid}) > _MOST:
        message = "A parameter version can have maximum 10 labels. Move one or more labels to another version."
        raise ServiceError("ParameterVersionLabelLimitExceeded", message)
    for other in history:
        other["Labels"] = [label for label in other["Labels"] if label not in valid]
    entry["Labels"] += valid
    return {"InvalidLabels": invalid, "ParameterVersion": entry["Version"]}


def _unlabel(request: Request) -> dict[str, Any]:
    entry, _history = _version(request)
    removed = [label for label in request["Labels"] if label in entry["Labels"]]
    entry["Labels"] = [label for label in entry["Labels"] if label not in removed]
    invalid = [label for label in request["Labels"] if label not in removed]
    return {"RemovedLabels": removed, "InvalidLabels": invalid}


OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    "LabelParameterVersion": _label,
    "UnlabelParameterVersion": _unlabel,
}


def _filtering(original: Callable[..., bool]) -> Callable[..., bool]:
    def accepts(parameter: Mapping[str, Any], key: str, option: str, values: list[str]) -> bool:
        """True if a parameter passes a filter; MiniStack lets it pass every filter that it does not know."""
        if key.startswith("tag:"):
            value = (ssm._tags.get(parameter["ARN"]) or {}).get(key.removeprefix("tag:"))
            return value is not None and (not values or value in values)
        if key not in _FILTERS:
            raise ServiceError("InvalidFilterKey", f"The filter {key} is not valid.")
        return original(parameter, key, option, values)

    return accepts


def install() -> None:
    """Replace MiniStack's filter."""
    ssm._apply_filter = _filtering(ssm._apply_filter)
