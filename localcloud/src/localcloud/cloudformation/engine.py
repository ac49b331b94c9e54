"""CloudFormation's engine: conditions with any intrinsic function, and correct stack events.

MiniStack resolves only plain references in a condition: `Fn::Join` never equals a string, and `AWS::Region` equals its
own name. On an update it reports every resource of the stack as updated, even unchanged ones, and gives several events
the same millisecond, so that tools show them in a random order.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, engine, handlers, stacks

SYMBOLS: tuple[str, ...] = (
    "ministack.services.cloudformation:_stack_events",
    "ministack.services.cloudformation:_stacks",
    "ministack.services.cloudformation.changesets:_evaluate_conditions",
    "ministack.services.cloudformation.engine:_evaluate_conditions",
    "ministack.services.cloudformation.engine:_resolve_refs",
    "ministack.services.cloudformation.handlers:_evaluate_conditions",
    "ministack.services.cloudformation.stacks:_add_event",
    "ministack.services.cloudformation.stacks:_evaluate_conditions",
    "ministack.services.cloudformation.stacks:_update_resource",
)

# --- conditions ------------------------------------------------------------------------------------------------------


class Conditions:
    """The conditions of a template for given parameters, each evaluated once."""

    def __init__(self, template: Mapping[str, Any], params: Mapping[str, Any]) -> None:
        self._definitions: Mapping[str, Any] = template.get("Conditions") or {}
        self._mappings = template.get("Mappings") or {}
        self._params = params
        self._known: dict[str, bool] = {}

    def all(self) -> dict[str, bool]:
        """Returns the value of every condition by its name."""
        return {name: self._named(name) for name in self._definitions}

    def _named(self, name: str) -> bool:
        if name not in self._known:
            if name not in self._definitions:
                raise ValueError(f"Template error: unresolved condition dependency {name}")
            self._known[name] = self.holds(self._definitions[name])
        return self._known[name]

    def holds(self, expression: Any) -> bool:
        """True if a condition expression is true."""
        functions: dict[str, Callable[[Any], bool]] = {
            "Fn::And": lambda parts: all(self.holds(part) for part in parts),
            "Fn::Or": lambda parts: any(self.holds(part) for part in parts),
            "Fn::Not": lambda parts: not self.holds(parts[0]),
            "Fn::Equals": self._equal,
            "Condition": self._named,
        }
        if isinstance(expression, dict) and len(expression) == 1:
            name, argument = next(iter(expression.items()))
            if name in functions:
                return functions[name](argument)
        return str(self._value(expression)).lower() == "true"

    def _equal(self, arguments: list[Any]) -> bool:
        left, right = (self._value(argument) for argument in arguments)
        return str(left) == str(right)

    def _value(self, argument: Any) -> Any:
        if isinstance(argument, dict) and argument.keys() & {"Condition", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or"}:
            return self.holds(argument)
        return engine._resolve_refs(copy.deepcopy(argument), {}, self._params, self._known, self._mappings, "", "")


def conditions(template: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, bool]:
    """Returns the values of a template's conditions, in place of `engine._evaluate_conditions`."""
    return Conditions(template, params).all()


# --- events ----------------------------------------------------------------------------------------------------------

_untouched: set[tuple[str, str]] = set()
_guard = threading.Lock()


def _events(stack_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cloudformation._stack_events.get(stack_id) or []
    return found


def _forget_start(stack_id: str, logical_id: str) -> None:
    """Remove the event that announces the update of a resource."""
    events = _events(stack_id)
    for event in reversed(events):
        if event["LogicalResourceId"] == logical_id:
            if event["ResourceStatus"] == "UPDATE_IN_PROGRESS":
                events.remove(event)
            return


def _separate_newest(stack_id: str) -> None:
    """Give the newest event a later time than the previous one."""
    events = _events(stack_id)
    if len(events) < 2:  # noqa: PLR2004 - nothing to compare
        return
    previous = datetime.fromisoformat(events[-2]["Timestamp"])
    if datetime.fromisoformat(events[-1]["Timestamp"]) <= previous:
        later = (previous + timedelta(milliseconds=1)).astimezone(UTC)
        events[-1]["Timestamp"] = later.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _only_changes() -> None:
    """Emit no events for resources that an update does not change."""
    update, add = stacks._update_resource, stacks._add_event

    def updating(kind: str, physical_id: str, old: Any, new: Any, stack_name: str, *rest: Any) -> Any:
        if old == new and rest:
            stack_id = (cloudformation._stacks.get(stack_name) or {}).get("StackId", "")
            with _guard:
                _untouched.add((stack_id, rest[0]))
            _forget_start(stack_id, rest[0])
        return update(kind, physical_id, old, new, stack_name, *rest)

    def adding(
        stack_id: str, stack_name: str, logical_id: str, kind: str, status: str, *rest: Any, **more: Any
    ) -> None:
        with _guard:
            if status == "UPDATE_COMPLETE" and (stack_id, logical_id) in _untouched:
                _untouched.discard((stack_id, logical_id))
                return
        add(stack_id, stack_name, logical_id, kind, status, *rest, **more)
        _separate_newest(stack_id)

    stacks._update_resource, stacks._add_event = updating, adding


def install() -> None:
    """Correct conditions, in every module that evaluates them, and events."""
    for module in (engine, stacks, handlers, changesets):
        module._evaluate_conditions = conditions
    _only_changes()
