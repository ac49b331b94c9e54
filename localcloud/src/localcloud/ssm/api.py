"""Systems Manager's API: our operations, and MiniStack's for parameters and service settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.concurrency import run_reentrant
from ministack.core.responses import error_response_json, json_response
from ministack.services import ssm

from localcloud import validation
from localcloud.ssm import associations, commands, documents, labels, nodes, sessions, state_manager, tags
from localcloud.ssm.agent import FLEET
from localcloud.ssm.errors import ServiceError

SYMBOLS: tuple[str, ...] = (
    "ministack.core.concurrency:run_reentrant",
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:json_response",
    "ministack.services.ssm:handle_request",
    "ministack.services.ssm:reset",
)

Request = Mapping[str, Any]
SERVICE = "ssm"
OPERATIONS: dict[str, Callable[[Request], dict[str, Any]]] = {
    **documents.OPERATIONS,
    **commands.OPERATIONS,
    **nodes.OPERATIONS,
    **state_manager.OPERATIONS,
    **sessions.OPERATIONS,
    **labels.OPERATIONS,
}
#: MiniStack's operations that we keep.
KEPT = frozenset(
    {
        "PutParameter",
        "GetParameter",
        "GetParameters",
        "GetParametersByPath",
        "DeleteParameter",
        "DeleteParameters",
        "DescribeParameters",
        "GetParameterHistory",
        "GetServiceSetting",
        "UpdateServiceSetting",
        "ResetServiceSetting",
    }
)
_CLEARED: list[Callable[[], None]] = [
    associations.clear,
    sessions.clear,
    documents.clear,
    commands.clear,
    FLEET.clear,
]


def _operation(name: str, request: Request) -> Callable[[Request], dict[str, Any]] | None:
    if name in tags.OPERATIONS and request.get("ResourceType") != "Parameter":
        return tags.OPERATIONS[name]
    return OPERATIONS.get(name)


def _refusal(name: str, request: Request) -> Any:
    """Returns the error response if the operation or the request is not valid; None if it is."""
    model = validation.model(SERVICE)
    if name not in model.operation_names:
        return error_response_json("UnknownOperationException", f"Unknown operation {name}", 400)
    if name not in OPERATIONS and name not in KEPT and name not in tags.OPERATIONS:
        message = f"The local cloud's Systems Manager does not support {name}"
        return error_response_json("ValidationException", message, 400)
    violation = validation.violation(SERVICE, name, request)
    return error_response_json("ValidationException", violation, 400) if violation else None


def answer(operation: Callable[[Request], dict[str, Any]], request: Request) -> Any:
    """Returns the response of one of our operations."""
    try:
        return json_response(operation(request))
    except ServiceError as error:
        return error_response_json(error.code, str(error), 400)


def _handling(original: Any) -> Any:
    async def handle_request(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query_params: Mapping[str, Any]
    ) -> Any:
        """Answers a request on a thread of its own if it is for one of our operations, which call other services."""
        name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return error_response_json("SerializationException", "The body is not JSON", 400)
        refused = _refusal(name, request)
        if refused is not None:
            return refused
        operation = _operation(name, request)
        if operation is None:
            try:
                return await original(method, path, headers, body, query_params)
            except ServiceError as error:
                return error_response_json(error.code, str(error), 400)
        return await run_reentrant(answer, operation, request, thread_name="localcloud-ssm")

    return handle_request


def _resetting(original: Callable[[], None]) -> Callable[[], None]:
    def reset() -> None:
        """Deletes everything that Systems Manager has."""
        original()
        for clear in _CLEARED:
            clear()

    return reset


def install() -> None:
    """Replace MiniStack's dispatch."""
    ssm.handle_request = _handling(ssm.handle_request)
    ssm.reset = _resetting(ssm.reset)
