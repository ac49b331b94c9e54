"""Resource types of CodeConnections: connections are recorded and available at once."""

from __future__ import annotations

import uuid
from typing import Any

from localcloud import adapter

SYMBOLS: tuple[str, ...] = ()


def _connection(service: str) -> None:
    def create(_logical_id: str, _props: adapter.Props, _stack_name: str) -> adapter.Result:
        arn = adapter.arn(service, f"connection/{uuid.uuid4()}")
        return arn, _connection_attributes(arn)

    def update(arn: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        if adapter.changed(old, new, "ConnectionName", "ProviderType", "HostArn"):
            return create("", new, stack_name)
        return arn, _connection_attributes(arn)

    kind = {"codeconnections": "CodeConnections", "codestar-connections": "CodeStarConnections"}[service]
    adapter.register(f"AWS::{kind}::Connection", create, update=update)
    adapter.RECORDED[f"AWS::{kind}::Connection"] = "on record and AVAILABLE at once: nobody has to authorize it"


def _connection_attributes(arn: str) -> dict[str, Any]:
    return {"ConnectionArn": arn, "ConnectionStatus": "AVAILABLE", "OwnerAccountId": arn.split(":")[4]}


def install() -> None:
    """Register connections, under both names of the service."""
    _connection("codeconnections")
    _connection("codestar-connections")
