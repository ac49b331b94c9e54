"""Describes the permissions that grow or narrow between two templates of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from slipway_cli.review.access.actions import shown
from slipway_cli.review.access.naming import Names
from slipway_cli.review.access.permissions import Growth, growth
from slipway_cli.review.access.statements import ANYBODY, Conditions, Holder, Statement, statements
from slipway_cli.review.canonical import resources
from slipway_cli.review.model import Broadening, Direction, Reach

_MOST = 4  # the most values in one list
# Condition keys that restrict a `*` principal to few callers.
_RESTRICTS = (
    "aws:principal",
    "aws:source",
    "aws:ecsclusterarn",
    "aws:viaawsservice",
    "aws:calledvia",
    "kms:calleraccount",
    "kms:viaservice",
    "s3:dataaccesspoint",
)


@dataclass(frozen=True)
class Side:
    """A stack's template, with the names for its references."""

    template: Mapping[str, Any]
    names: Names


def rights(stack: str, before: Side, after: Side) -> Iterator[Broadening]:
    """Yields the permissions of the stack that grow or narrow."""
    old, new = statements(before.template, before.names), statements(after.template, after.names)
    changes = (
        broadening
        for holder in dict.fromkeys([*new, *old])
        for broadening in _holder_changes(stack, holder, old.get(holder), new.get(holder))
    )
    # A removed role would be listed twice, for its permissions and its trust.
    yield from {broadening.words: broadening for broadening in changes}.values()
    yield from _managed(stack, before, after)


def _holder_changes(
    stack: str, holder: Holder, old: list[Statement] | None, new: list[Statement] | None
) -> Iterator[Broadening]:
    if new is None:
        # Without the resource policy, what it denied may be allowed by other policies.
        if any(not statement.allows for statement in old or ()) and holder.reach is Reach.RESOURCE_POLICY:
            yield from _broadenings(stack, holder, Direction.GROWS, growth(old or (), ()))
        elif old:
            yield Broadening(stack, holder.name, "", holder.reach, Direction.NARROWS, f"{_who(holder)} is removed")
        return
    if old is None:
        new = [statement for statement in new if not statement.by_default]  # a new endpoint grants nothing beyond IAM
    prefix = "new: " if old is None else ""
    yield from _broadenings(stack, holder, Direction.GROWS, growth(old or (), new), prefix)
    yield from _broadenings(stack, holder, Direction.NARROWS, growth(new, old or ()))


def _broadenings(
    stack: str, holder: Holder, direction: Direction, found: Iterable[Growth], prefix: str = ""
) -> Iterator[Broadening]:
    for merged in _merged(found):
        reach = Reach.PUBLIC if _is_public(merged.growth, direction) else holder.reach
        words = f"{prefix}{_sentence(holder, merged, direction)}"
        yield Broadening(stack, holder.name, holder.logical_id, reach, direction, words)


@dataclass(frozen=True)
class _MergedGrowth:
    growth: Growth
    resources: tuple[str, ...]
    principals: tuple[str, ...]


def _merged(found: Iterable[Growth]) -> Iterator[_MergedGrowth]:
    """Merges growths that differ only in resource or principal."""
    groups: dict[Growth, tuple[dict[str, None], dict[str, None]]] = {}
    for grown in found:
        public = grown.principal == ANYBODY
        lists = groups.setdefault(replace(grown, resource="", principal=ANYBODY if public else ""), ({}, {}))
        lists[0][grown.resource] = None
        lists[1][grown.principal] = None
    for shared, (on_resources, by_principals) in groups.items():
        yield _MergedGrowth(shared, tuple(on_resources), tuple(name for name in by_principals if name))


def _sentence(holder: Holder, merged: _MergedGrowth, direction: Direction) -> str:
    grown = merged.growth
    actions = shown(grown.actions, grown.patterns)
    if grown.denial_gone:
        return (
            f"{_who(holder)}: {'no longer denied' if direction is Direction.GROWS else 'newly denied'}: {actions}"
            + _on(holder, merged.resources)
        )
    may = "may" if direction is Direction.GROWS else "may no longer"
    who = _who(holder)
    if holder.reach is Reach.TRUST:
        subject = f"{_listed(merged.principals)} {may} assume {who}"
    elif holder.reach is Reach.RESOURCE_POLICY:
        subject = f"{_listed(merged.principals)} {may} {actions}{_on(holder, merged.resources)}"
    else:
        subject = f"{who} {may} {actions}{_on(holder, merged.resources)}"
    return subject + _under(grown, direction)


def _under(grown: Growth, direction: Direction) -> str:
    """Returns the conditions; if only they differ, the conditions that are dropped and added."""
    if grown.loosened and direction is Direction.GROWS:
        dropped = sorted(grown.loosened - grown.conditions)
        return f", without the condition {_conditions(dropped)}" + (
            f", with the new condition {_conditions(sorted(grown.conditions - grown.loosened))}"
            if grown.conditions - grown.loosened
            else ""
        )
    return f" if {_conditions(sorted(grown.conditions))}" if grown.conditions else ""


def _conditions(conditions: Iterable[tuple[str, str, frozenset[str]]]) -> str:
    texts = (
        f"`{key}` {_OPERATORS.get(operator, operator)} {_listed(sorted(values))}"
        for operator, key, values in conditions
    )
    return " and ".join(texts)


_OPERATORS = {"stringequals": "is", "bool": "is", "stringlike": "is like", "arnlike": "is like", "arnequals": "is"}


def _who(holder: Holder) -> str:
    return f"`{_plain(holder.name)}`"


def _on(holder: Holder, where: tuple[str, ...]) -> str:
    if where == ("*",) and holder.reach is not Reach.PERMISSION:
        return f" on {_who(holder)}"
    return f" on {'everything' if where == ('*',) else _listed(where)}"


def _listed(values: Iterable[str]) -> str:
    names = ["anybody" if value == ANYBODY else f"`{_plain(value)}`" for value in values]
    more = [f"{len(names) - _MOST} more"] if len(names) > _MOST else []
    return ", ".join([*names[:_MOST], *more])


def _plain(text: str) -> str:
    """Returns a text without characters that would end its code span."""
    return " ".join(text.replace("`", "'").split())


def _is_public(grown: Growth, direction: Direction) -> bool:
    return (
        direction is Direction.GROWS
        and grown.principal == ANYBODY
        and not grown.denial_gone
        and not _restricted(grown.conditions)
    )


def _restricted(conditions: Conditions) -> bool:
    return any(key.startswith(_RESTRICTS) and "not" not in operator for operator, key, _ in conditions)


def _managed(stack: str, before: Side, after: Side) -> Iterator[Broadening]:
    """Yields attached and detached managed policies and changed permissions boundaries, by name only."""
    old, new = _attached(before), _attached(after)
    for path in dict.fromkeys([*new, *old]):
        was, now = old.get(path, _NOTHING), new.get(path, _NOTHING)
        for name in sorted(now.policies - was.policies):
            yield _managed_change(stack, path, Direction.GROWS, f"`{path}` gets the managed policy `{_plain(name)}`")
        for name in sorted(was.policies - now.policies):
            yield _managed_change(stack, path, Direction.NARROWS, f"`{path}` loses the managed policy `{_plain(name)}`")
        if path in old and path in new and was.boundary != now.boundary:
            direction, words = Direction.SHIFTS, "has another permissions boundary"
            if not now.boundary:
                direction, words = Direction.GROWS, "loses its permissions boundary"
            elif not was.boundary:
                direction, words = Direction.NARROWS, "gets a permissions boundary"
            yield _managed_change(stack, path, direction, f"`{path}` {words}")


@dataclass(frozen=True)
class _Attached:
    policies: frozenset[str] = frozenset()
    boundary: str = ""


_NOTHING = _Attached()


def _attached(side: Side) -> dict[str, _Attached]:
    found = {}
    for logical_id, resource in resources(side.template).items():
        if resource["Type"] in ("AWS::IAM::Role", "AWS::IAM::User", "AWS::IAM::Group"):
            properties = resource.get("Properties") or {}
            path = _plain(side.names.text({"Ref": logical_id}).strip("{}"))
            arns = frozenset(side.names.text(arn) for arn in properties.get("ManagedPolicyArns") or ())
            boundary = properties.get("PermissionsBoundary")
            found[path] = _Attached(arns, side.names.text(boundary) if boundary else "")
    return found


def _managed_change(stack: str, path: str, direction: Direction, words: str) -> Broadening:
    return Broadening(stack, path, "", Reach.PERMISSION, direction, words)
