"""A secret created without a value has no version (API reference, CreateSecret). MiniStack makes an empty one."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from ministack.core.responses import json_response
from ministack.services import secretsmanager

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:json_response",
    "ministack.services.secretsmanager:_create_secret",
    "ministack.services.secretsmanager:_secrets",
)


def install() -> None:
    """Replace the operation."""
    original = secretsmanager._create_secret

    def create(data: Mapping[str, Any]) -> Any:
        answer = original(data)
        succeeded = answer[0] == HTTPStatus.OK
        if not succeeded or data.get("SecretString") is not None or data.get("SecretBinary") is not None:
            return answer
        secret = secretsmanager._secrets[data["Name"]]
        secret["Versions"].clear()
        return json_response({"ARN": secret["ARN"], "Name": secret["Name"]})

    secretsmanager._create_secret = create
