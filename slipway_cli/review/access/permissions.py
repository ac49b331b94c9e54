"""What statements allow that they did not allow before: by actions, resources, principals and conditions as sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_network

from slipway_cli.review.access.actions import Actions, covers, without
from slipway_cli.review.access.statements import ANYBODY, Conditions, Statement


@dataclass(frozen=True)
class Growth:
    """One more thing that may be done."""

    actions: Actions
    patterns: tuple[str, ...]
    resource: str
    principal: str
    """Empty in a policy of an identity."""
    conditions: Conditions
    loosened: Conditions = frozenset()
    """The conditions it had before, where only they differ."""
    denial_gone: bool = False
    """It was denied, whatever else allows it."""


def growth(before: Iterable[Statement], after: Iterable[Statement]) -> Iterator[Growth]:
    """What may be done after and not before. Called the other way round it tells what narrows."""
    old, new = list(before), list(after)
    denied = [it for it in new if not it.allows and not it.conditions]
    for statement in new:
        if statement.allows:
            yield from _allowed(statement, [it for it in old if it.allows], denied)
    for statement in old:
        if not statement.allows:
            for it in _uncovered(statement, [each for each in new if not each.allows]):
                yield replace(it, denial_gone=True)


def _allowed(statement: Statement, old: list[Statement], denied: list[Statement]) -> Iterator[Growth]:
    for it in _uncovered(statement, old):
        left = it.actions
        for denial in denied:
            if _reaches(denial, it, statement):
                left = without(left, denial.actions, denial.patterns)
        if not left:
            continue
        # Would it be no news but for its conditions?
        same = [each.conditions for each in old if left & each.actions and _reaches(each, it, statement)]
        loosened = next((conditions for conditions in same if conditions), frozenset())
        yield replace(it, actions=left, loosened=loosened)


def _uncovered(statement: Statement, others: list[Statement]) -> Iterator[Growth]:
    """The parts of a statement that none of the others holds."""
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
    """Whether a statement is about everything that a part of another one is about."""
    return _covers_resource(other, part.resource, statement) and _covers_principal(other, part.principal, statement)


def _covers_resource(other: Statement, resource: str, statement: Statement) -> bool:
    if not statement.resources:
        return "*" in other.resources or (
            bool(other.not_resources)
            and all(any(covers(it, each) for it in statement.not_resources) for each in other.not_resources)
        )
    if other.not_resources:
        return not any(covers(it, resource) or covers(resource, it) for it in other.not_resources)
    return any(covers(it, resource) for it in other.resources)


def _covers_principal(other: Statement, principal: str, statement: Statement) -> bool:
    if not other.principals and not other.not_principals:
        return True  # a policy of an identity is about that identity
    if not statement.principals:
        return ANYBODY in other.principals or (
            bool(other.not_principals) and other.not_principals <= statement.not_principals
        )
    if other.not_principals:
        return principal not in other.not_principals and principal != ANYBODY
    return any(_principal_covers(it, principal) for it in other.principals)


def _principal_covers(one: str, other: str) -> bool:
    if one in (ANYBODY, other):
        return True
    root = one.removesuffix(":root")
    return one.endswith(":root") and other.startswith(f"{root}:")


def _weaker(one: Conditions, other: Conditions) -> bool:
    """Whether everything that fulfils `other` fulfils `one`."""
    return all(any(_implied(condition, given) for given in other) for condition in one)


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
        return given[0] in exact and all(any(covers(it, each) for it in values) for each in given[2])
    if operator == "ipaddress":
        return given[0] == operator and all(any(_within(each, it) for it in values) for each in given[2])
    return operator == given[0] and "equals" in operator and given[2] <= values


def _within(inner: str, outer: str) -> bool:
    try:
        one, other = ip_network(inner, strict=False), ip_network(outer, strict=False)
    except ValueError:
        return inner == outer
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # of one version, as just asked
