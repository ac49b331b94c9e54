"""A resource of a template, for pricing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from slipway_cli.review.cost.assumptions import Assumptions

Json = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource with its template, which its references are looked up in."""

    logical_id: str
    definition: Json
    template: Mapping[str, Any]
    assume: Assumptions

    @property
    def properties(self) -> Json:
        """Returns the properties as they are in the template."""
        return dict(self.definition.get("Properties", {}))

    def text(self, name: str, default: str = "") -> str:
        """Returns a property that is plain text, otherwise the default."""
        value = self.properties.get(name, default)
        return value if isinstance(value, str) else default

    def number(self, value: Any) -> Decimal | None:
        """Returns a number that the template states; None if it is known only after the deployment.

        Of a conditional value it returns the larger one: a service without a release runs no tasks yet, but will.
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
        """Yields the logical ids and properties of all resources of a type."""
        for logical_id, resource in self.template.get("Resources", {}).items():
            if resource["Type"] == kind:
                yield logical_id, resource.get("Properties", {})

    def referred(self, value: Any) -> Json:
        """Returns the properties of the resource that a `Ref` names; empty if it is not in this template."""
        resource = self.template.get("Resources", {}).get(value.get("Ref")) if isinstance(value, dict) else None
        return dict(resource.get("Properties", {})) if resource else {}
