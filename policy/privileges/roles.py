"""Reads the policy statements of the roles of handlers, builds and tasks from a product's templates.

Roles that differ only in environment or pipeline are one kind: the same code of stacks/ and constructs/ creates them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from products import Product
from products.infrastructure_flow import every
from products.names import pascal

_HASH = re.compile(r"[0-9A-F]{8}$")
_STACKS = ("data", "services", "access", "delivery")
HOST_STACKS = ("hosts", "access")
"""The stacks whose roles differ for a product on hosts."""
# CDK creates this function, which empties buckets before their deletion, with its role.
_NOT_OURS = ("CustomS3AutoDeleteObjects",)


@dataclass(frozen=True, order=True)
class Statement:
    """A policy statement of a kind of role."""

    role: str
    name: str
    """The sid, or the actions of a statement without one."""


class Roles:
    """The roles of a product in some of its stacks; `label` begins the names of their kinds."""

    def __init__(
        self,
        product: Product,
        templates: Mapping[str, Mapping[str, Any]],
        stacks: Collection[str] = _STACKS,
        label: str = "",
    ) -> None:
        self._product, self._templates, self._stacks, self._label = product, templates, stacks, label

    def _resources(self, kind: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for name, template in self._templates.items():
            if name.rpartition("-")[2] in self._stacks:
                for logical_id, resource in template["Resources"].items():
                    if resource["Type"] == kind and not logical_id.startswith(_NOT_OURS):
                        yield name, logical_id, resource

    def _kind(self, name: str, logical_id: str) -> str:
        """Returns e.g. `access: Deploy` or `delivery: FlowTestBackendAction`, without environment, flow and hash."""
        part = _HASH.sub("", logical_id)
        for delivery in every(self._product):
            part = re.sub(f"^{pascal(delivery.flow_name)}", "Flow", part)
        for environment in self._product.environments:
            part = re.sub(f"^(Flow)?{pascal(environment)}", r"\1Environment", part)
        return f"{self._label}{name.rpartition('-')[2]}: {part}"

    def statements(self) -> dict[Statement, set[str]]:
        """Returns all statements with their actions."""
        found: dict[Statement, set[str]] = {}
        for name, _, policy in self._resources("AWS::IAM::Policy"):
            for reference in policy["Properties"]["Roles"]:
                kind = self._kind(name, reference["Ref"])
                for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
                    found.setdefault(Statement(kind, named(statement)), set()).update(listed(statement["Action"]))
        return found


def named(statement: Mapping[str, Any]) -> str:
    """Returns the sid of a statement, or its actions if it has none."""
    return str(statement.get("Sid") or ",".join(sorted(listed(statement["Action"]))))


def listed(value: Any) -> list[Any]:
    """Returns a value as a list, since IAM accepts a single value or a list."""
    return value if isinstance(value, list) else [value]
