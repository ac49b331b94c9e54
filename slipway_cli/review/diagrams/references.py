"""Follows references between the resources of an environment, within and across stacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from slipway_cli.review.assembly import Json, Stack


@dataclass(frozen=True)
class StackResource:
    """A resource and its stack."""

    stack_name: str
    logical_id: str
    stack: Stack = field(compare=False, repr=False)

    @property
    def type(self) -> str:
        """Returns the CloudFormation type."""
        return str(self.stack.resources[self.logical_id]["Type"])

    @property
    def properties(self) -> Json:
        """Returns the properties as they are in the template."""
        return dict(self.stack.resources[self.logical_id].get("Properties", {}))

    @property
    def path(self) -> str:
        """Returns the construct's path below its stack."""
        return self.stack.path(self.logical_id)


class References:
    """The references between the resources of one environment's stacks."""

    def __init__(self, stacks: Sequence[Stack]) -> None:
        self._stacks = stacks

    def of_type(self, *types: str) -> list[StackResource]:
        """Returns the resources of these types."""
        return [
            StackResource(stack.name, logical_id, stack)
            for stack in self._stacks
            for logical_id, resource in stack.resources.items()
            if resource["Type"] in types
        ]

    def reached(
        self, start: StackResource, value: Any, types: Collection[str], through: Collection[str] = ()
    ) -> list[StackResource]:
        """Returns the resources of some types that a value of `start` refers to, directly or through other types."""
        found: dict[StackResource, None] = {}
        seen: set[StackResource] = set()
        waiting = list(self._referred(start.stack, value))
        while waiting:
            resource = waiting.pop(0)
            if resource in seen:
                continue
            seen.add(resource)
            if resource.type in types:
                found[resource] = None
            elif resource.type in through:
                waiting += self._referred(resource.stack, resource.properties)
        return list(found)

    def _referred(self, stack: Stack, value: Any) -> Iterator[StackResource]:
        if isinstance(value, list):
            for item in value:
                yield from self._referred(stack, item)
        if not isinstance(value, dict):
            return
        name = value.get("Ref") or (value.get("Fn::GetAtt") or [None])[0]
        if isinstance(name, str):
            if name in stack.resources:
                yield StackResource(stack.name, name, stack)
        elif "Fn::ImportValue" in value:
            exporter = self._exports.get(str(value["Fn::ImportValue"]))
            if exporter:
                yield from self._referred(*exporter)
        else:
            for inner in value.values():
                yield from self._referred(stack, inner)

    @cached_property
    def _exports(self) -> dict[str, tuple[Stack, Any]]:
        """Returns the stack and value of each export."""
        return {
            str(output["Export"]["Name"]): (stack, output["Value"])
            for stack in self._stacks
            for output in (stack.template.get("Outputs") or {}).values()
            if "Export" in output
        }
