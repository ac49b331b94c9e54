"""What statements allow that they did not allow before: by actions, resources, principals and conditions as sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from review.access.actions import Actions, covers, without
from review.access.statements import ANYBODY, Conditions, Statement


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
                yield Growth(it.actions, it.patterns, it.resource, it.principal, it.conditions, denial_gone=True)


def _allowed(statement: Statement, old: list[Statement], denied: list[Statement]) -> Iterator[Growth]:
    for it in _uncovered(statement, old):
        left = it.actions
        for denial in denied:
            if _covers_principal(denial, it.principal) and _covers_resource(denial, it.resource):
                left = without(left, denial.actions, denial.patterns)
        if not left:
            continue
        # Would it be no news but for its conditions?
        same = [
            each.conditions
            for each in old
            if left & each.actions and _covers_principal(each, it.principal) and _covers_resource(each, it.resource)
        ]
        loosened = next((conditions for conditions in same if conditions), frozenset())
        yield Growth(left, it.patterns, it.resource, it.principal, it.conditions, loosened)


def _uncovered(statement: Statement, others: list[Statement]) -> Iterator[Growth]:
    """The parts of a statement that none of the others holds."""
    principals = statement.principals or ({f"not {it}" for it in statement.not_principals} or {""})
    resources = statement.resources or {f"not {it}" for it in statement.not_resources}
    for principal in sorted(principals):
        for resource in sorted(resources):
            left = statement.actions
            for other in others:
                if not left & other.actions or not _covers_principal(other, principal):
                    continue
                weaker = _weaker(other.conditions, statement.conditions)
                if weaker and _covers_resource(other, resource):
                    left = without(left, other.actions, other.patterns)
            if left:
                yield Growth(left, statement.patterns, resource, principal, statement.conditions)


def _covers_resource(statement: Statement, resource: str) -> bool:
    if resource.startswith("not "):
        return "*" in statement.resources or any(
            covers(resource.removeprefix("not "), it) for it in statement.not_resources
        )
    if statement.not_resources:
        return not any(covers(it, resource) or covers(resource, it) for it in statement.not_resources)
    return any(covers(it, resource) for it in statement.resources)


def _covers_principal(statement: Statement, principal: str) -> bool:
    if not statement.principals and not statement.not_principals:
        return True  # a policy of an identity is about that identity
    if principal.startswith("not "):
        return ANYBODY in statement.principals or principal.removeprefix("not ") in statement.not_principals
    if statement.not_principals:
        return principal not in statement.not_principals and principal != ANYBODY
    return any(_principal_covers(it, principal) for it in statement.principals)


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
