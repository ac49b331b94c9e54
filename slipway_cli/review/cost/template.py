"""A resource of a template, as pricing reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from slipway_cli.review.cost.assumptions import Assumptions

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource, with the template it can look things up in."""

    logical_id: str
    definition: Json
    template: Mapping[str, Any]
    assume: Assumptions

    @property
    def properties(self) -> Json:
        """Its properties, as the template writes them."""
        return dict(self.definition.get("Properties", {}))

    def text(self, name: str, default: str = "") -> str:
        """A property that is plain text."""
        value = self.properties.get(name, default)
        return value if isinstance(value, str) else default

    def number(self, value: Any) -> Decimal | None:
        """A number that the template states; None where only a deployment knows it.

        Of a choice by condition the larger: a service without a release runs no task, and costs what it will with one.
        """
        if isinstance(value, dict):
            if "Fn::If" in value:
                branches = [self.number(branch) for branch in value["Fn::If"][1:]]
                return max((branch for branch in branches if branch is not None), default=None)
            parameter = self.template.get("Parameters", {}).get(value.get("Ref"), {})
            return self.number(parameter.get("Default")) if parameter else None
        try:
            return Decimal(str(value))
        except InvalidOperation:
            return None

    def of_type(self, kind: str) -> Iterator[tuple[str, Json]]:
        """The template's resources of a type, by logical id, with their properties."""
        for logical_id, resource in self.template.get("Resources", {}).items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    def referred(self, value: Any) -> Json:
        """The properties of the resource that a `Ref` names; empty where it is not in this template."""
        resource = self.template.get("Resources", {}).get(value.get("Ref")) if isinstance(value, dict) else None
        return dict(resource.get("Properties", {})) if resource else {}
