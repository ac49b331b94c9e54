"""Adds services with AWS's JSON protocol to MiniStack: routing, IAM, validation of requests, errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import error_response_json, json_response

from localcloud import validation

SYMBOLS: tuple[str, ...] = (
    "ministack.app:SERVICE_HANDLERS",
    "ministack.app:SERVICE_REGISTRY",
    "ministack.app:_lazy_handler",
    "ministack.app:_loaded_modules",
    "ministack.app:_state_map",
    "ministack.core.concurrency:run_reentrant",
    "ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE",
    "ministack.core.responses:error_response_json",
    "ministack.core.responses:json_response",
    "ministack.core.router:SERVICE_PATTERNS",
)

Request = Mapping[str, Any]
Operation = Callable[[Request], dict[str, Any]]


class ServiceError(Exception):
    """An error that the API documents, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class JsonService:
    """A service of MiniStack, whose operations are functions of the request.

    `name` is botocore's name of the service, and of its credential scope unless `signing_name` is given. An operation
    that AWS has and this service lacks is refused with a message that says so. `own` are operations that AWS does not
    have; their requests are not validated. With `threaded`, operations may call other services of the local cloud: on
    the server's event loop such a call would wait for itself.
    """

    def __init__(
        self,
        name: str,
        operations: Mapping[str, Operation],
        clear: Callable[[], None],
        *,
        signing_name: str = "",
        invalid: str = "ValidationException",
        own: Mapping[str, Operation] | None = None,
        threaded: bool = False,
    ) -> None:
        self.name = name
        self._operations = operations
        self._clear = clear
        self._scope = signing_name or name
        self._invalid = invalid
        self._own = own or {}
        self._threaded = threaded

    def install(self) -> None:
        """Register the service with the router and with IAM, which enforces policies only for services it knows."""
        router.SERVICE_PATTERNS[self.name] = {
            "target_prefixes": [validation.model(self.name).metadata["targetPrefix"]],
            "host_patterns": [],
            "credential_scope": self._scope,
        }
        app.SERVICE_REGISTRY[self.name] = {"module": self.name}
        app._loaded_modules[self.name] = self
        app.SERVICE_HANDLERS[self.name] = app._lazy_handler(self.name)
        app._state_map[self.name] = self.name
        iam_actions.SERVICE_TO_IAM_NAMESPACE[self.name] = self._scope

    async def handle_request(
        self, _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Any
    ) -> Any:
        """Returns the response to a request."""
        name = headers.get("x-amz-target", "").rsplit(".", 1)[-1]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return error_response_json("SerializationException", "The body is not JSON", 400)
        if self._threaded:
            return await run_reentrant(self.answer, name, request, thread_name=f"localcloud-{self.name}")
        return self.answer(name, request)

    def answer(self, name: str, request: Request) -> Any:
        """Returns the response to an operation's request."""
        known = name in self._own or name in validation.model(self.name).operation_names
        if not known:
            return error_response_json("UnknownOperationException", f"Unknown operation {name}", 400)
        try:
            return json_response(self._result(name, request))
        except ServiceError as error:
            return error_response_json(error.code, str(error), 400)

    def _result(self, name: str, request: Request) -> dict[str, Any]:
        if name in self._own:
            return self._own[name](request)
        if name not in self._operations:
            raise ServiceError(self._invalid, f"The local cloud's {self.name} does not support {name}")
        if violation := validation.violation(self.name, name, request):
            raise ServiceError(self._invalid, violation)
        return self._operations[name](request)

    def reset(self) -> None:
        """Delete everything."""
        self._clear()

    def get_state(self) -> dict[str, Any]:
        """Returns nothing: the state ends with the process."""
        return {}

    def load_persisted_state(self, _data: Any) -> None:
        """Does nothing, as there is no saved state."""
