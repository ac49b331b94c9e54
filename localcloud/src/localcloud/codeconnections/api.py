"""The operations of CodeConnections on connections: docs.aws.amazon.com/codeconnections/latest/APIReference.

A connection that a template creates is AVAILABLE at once. One that the API creates stays PENDING, as on AWS until
somebody authorizes it in the console, which this cloud does not have.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from localcloud import json_services
from localcloud.json_services import JsonService, Operation, Request, ServiceError

SYMBOLS: tuple[str, ...] = (
    *json_services.SYMBOLS,
    "ministack.core.responses:AccountRegionScopedDict",
    "ministack.core.responses:get_account_id",
    "ministack.core.responses:get_region",
)

NAMES = ("codeconnections", "codestar-connections")
"""The names of the service: the first since 2024, the second before. They share connections; an ARN keeps its name."""

_connections: Any = AccountRegionScopedDict()


def put(service: str, properties: Mapping[str, Any], status: str) -> str:
    """Records a connection and returns its ARN."""
    arn = f"arn:aws:{service}:{get_region()}:{get_account_id()}:connection/{uuid.uuid4()}"
    _connections[arn] = {
        "ConnectionName": properties.get("ConnectionName", ""),
        "ConnectionArn": arn,
        "ProviderType": properties.get("ProviderType", "GitHub"),
        "OwnerAccountId": get_account_id(),
        "ConnectionStatus": status,
        **({"HostArn": properties["HostArn"]} if properties.get("HostArn") else {}),
    }
    return arn


def remove(arn: str) -> None:
    """Deletes a connection, if it exists."""
    _connections.pop(arn, None)


def _found(request: Request) -> dict[str, Any]:
    connection: dict[str, Any] | None = _connections.get(request["ConnectionArn"])
    if connection is None:
        raise ServiceError("ResourceNotFoundException", f"Connection {request['ConnectionArn']} not found")
    return connection


def _delete(request: Request) -> dict[str, Any]:
    remove(_found(request)["ConnectionArn"])
    return {}


def _list(request: Request) -> dict[str, Any]:
    wanted = request.get("ProviderTypeFilter")
    listed = [found for found in _connections.values() if wanted in (None, found["ProviderType"])]
    return {"Connections": listed}


def _operations(service: str) -> dict[str, Operation]:
    return {
        "CreateConnection": lambda request: {"ConnectionArn": put(service, request, "PENDING")},
        "GetConnection": lambda request: {"Connection": _found(request)},
        "ListConnections": _list,
        "DeleteConnection": _delete,
    }


SERVICES = tuple(JsonService(service, _operations(service), _connections.clear) for service in NAMES)
