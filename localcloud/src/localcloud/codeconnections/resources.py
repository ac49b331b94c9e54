"""Resource types of CodeConnections: connections are recorded and available at once."""

from __future__ import annotations

from typing import Any

from localcloud import adapter
from localcloud.codeconnections import api

SYMBOLS: tuple[str, ...] = api.SYMBOLS


def _connection(service: str) -> None:
    def create(_logical_id: str, props: adapter.Props, _stack_name: str) -> adapter.Result:
        arn = api.put(service, props, "AVAILABLE")
        return arn, _connection_attributes(arn)

    def delete(arn: str, _props: adapter.Props) -> None:
        api.remove(arn)

    def update(arn: str, old: adapter.Props, new: adapter.Props, stack_name: str) -> adapter.Result:
        if adapter.changed(old, new, "ConnectionName", "ProviderType", "HostArn"):
            return create("", new, stack_name)
        return arn, _connection_attributes(arn)

    kind = {"codeconnections": "CodeConnections", "codestar-connections": "CodeStarConnections"}[service]
    adapter.register(f"AWS::{kind}::Connection", create, delete, update)
    adapter.RECORDED[f"AWS::{kind}::Connection"] = "on record and AVAILABLE at once: nobody has to authorize it"


def _connection_attributes(arn: str) -> dict[str, Any]:
    return {"ConnectionArn": arn, "ConnectionStatus": "AVAILABLE", "OwnerAccountId": arn.split(":")[4]}


def install() -> None:
    """Add the API and the resource types, under both names of the service."""
    for service in api.SERVICES:
        service.install()
    for name in api.NAMES:
        _connection(name)
