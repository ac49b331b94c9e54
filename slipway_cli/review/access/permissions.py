"""Compares policy statements as sets of actions, resources, principals and conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network

from slipway_cli.review.access.actions import Actions, covers, without
from slipway_cli.review.access.statements import ANYBODY, Conditions, Statement


@dataclass(frozen=True)
class Growth:
    """One permission that is allowed after a change, but not before."""

    actions: Actions
    patterns: tuple[str, ...]
    resource: str
    principal: str
    """Empty in an identity-based policy."""
    conditions: Conditions
    loosened: Conditions = frozenset()
    """The conditions before the change, if only they differ."""
    denial_gone: bool = False
    """True if the growth comes from a removed denial."""


def growth(before: Iterable[Statement], after: Iterable[Statement]) -> Iterator[Growth]:
    """Yields what is allowed after, but not before. With swapped arguments it yields what narrows."""
    old, new = list(before), list(after)
    denied = [statement for statement in new if not statement.allows and not statement.conditions]
    for statement in new:
        if statement.allows:
            yield from _allowed(statement, [other for other in old if other.allows], denied)
    for statement in old:
        if not statement.allows:
            for part in _uncovered(statement, [other for other in new if not other.allows]):
                yield replace(part, denial_gone=True)


def _allowed(statement: Statement, old: list[Statement], denied: list[Statement]) -> Iterator[Growth]:
    for part in _uncovered(statement, old):
        left = part.actions
        for denial in denied:
            if _reaches(denial, part, statement):
                left = without(left, denial.actions, denial.patterns)
        if not left:
            continue
        # Did another statement allow it before, under other conditions?
        same = [other.conditions for other in old if left & other.actions and _reaches(other, part, statement)]
        loosened = next((conditions for conditions in same if conditions), frozenset())
        yield replace(part, actions=left, loosened=loosened)


def _uncovered(statement: Statement, others: list[Statement]) -> Iterator[Growth]:
    """Yields the parts of a statement that no other statement covers."""
    for principal in sorted(statement.principals or {_all_but(statement.not_principals)}):
        for resource in sorted(statement.resources or {_all_but(statement.not_resources)}):
            part = Growth(statement.actions, statement.patterns, resource, principal, statement.conditions)
            left = statement.actions
            for other in others:
                weaker = left & other.actions and _weaker(other.conditions, statement.conditions)
                if weaker and _reaches(other, part, statement):
                    left = without(left, other.actions, other.patterns)
            if left:
                yield replace(part, actions=left)


def _all_but(names: frozenset[str]) -> str:
    return f"all but {', '.join(sorted(names))}" if names else ""


def _reaches(other: Statement, part: Growth, statement: Statement) -> bool:
    """True if a statement applies to the resource and principal of a part of another statement."""
    return _covers_resource(other, part.resource, statement) and _covers_principal(other, part.principal, statement)


def _covers_resource(other: Statement, resource: str, statement: Statement) -> bool:
    if not statement.resources:
        return "*" in other.resources or (
            bool(other.not_resources)
            and all(
                any(covers(wider, excluded) for wider in statement.not_resources) for excluded in other.not_resources
            )
        )
    if other.not_resources:
        return not any(covers(excluded, resource) or covers(resource, excluded) for excluded in other.not_resources)
    return any(covers(pattern, resource) for pattern in other.resources)


def _covers_principal(other: Statement, principal: str, statement: Statement) -> bool:
    if not other.principals and not other.not_principals:
        return True  # an identity-based policy has no principals
    if not statement.principals:
        return ANYBODY in other.principals or (
            bool(other.not_principals) and other.not_principals <= statement.not_principals
        )
    if other.not_principals:
        return principal not in other.not_principals and principal != ANYBODY
    return any(_principal_covers(named, principal) for named in other.principals)


def _principal_covers(wider: str, other: str) -> bool:
    if wider in (ANYBODY, other):
        return True
    root = wider.removesuffix(":root")
    return wider.endswith(":root") and other.startswith(f"{root}:")


def _weaker(weaker: Conditions, other: Conditions) -> bool:
    """True if everything that fulfils `other` also fulfils `weaker`."""
    return all(any(_implied(condition, given) for given in other) for condition in weaker)


def _implied(wanted: tuple[str, str, frozenset[str]], given: tuple[str, str, frozenset[str]]) -> bool:
    if wanted[1] != given[1]:
        return False
    operator, values = wanted[0], wanted[2]
    if wanted == given:
        return True
    if "not" in operator:
        return operator == given[0] and values <= given[2]
    if "like" in operator or operator.startswith("arn"):
        exact = {operator, operator.replace("like", "equals"), operator.replace("equals", "like")}
        return given[0] in exact and all(any(covers(pattern, value) for pattern in values) for value in given[2])
    if operator == "ipaddress":
        return given[0] == operator and all(any(_within(inner, outer) for outer in values) for inner in given[2])
    return operator == given[0] and "equals" in operator and given[2] <= values


def _within(inner: str, outer: str) -> bool:
    try:
        network, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    except ValueError:
        return inner == outer
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]  # the versions were just compared
