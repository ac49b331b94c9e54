"""IAM actions as sets. Wildcards are expanded with the list of actions that cfn-lint ships."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

Actions = frozenset[str]


@cache
def expanded(pattern: str) -> Actions:
    """Returns the actions that a pattern matches, in lower case, and the pattern itself."""
    service, _, name = pattern.lower().partition(":")
    if pattern == "*":
        return everything() | {"*"}
    if not _wild(service) and not _wild(name):
        return frozenset({f"{service}:{name}"})
    services = [known for known in _known() if covers(service, known)]
    wanted = re.compile(_regex(name))
    found = frozenset(
        f"{service}:{action}" for service in services for action in _known()[service] if wanted.fullmatch(action)
    )
    return found | {pattern.lower()}  # AWS may add actions that the list does not have yet


@cache
def all_of(patterns: frozenset[str]) -> Actions:
    """Returns the actions that any of the patterns matches."""
    return frozenset[str]().union(*(expanded(pattern) for pattern in patterns))


@cache
def all_but(patterns: frozenset[str]) -> Actions:
    """Returns the actions that `NotAction` allows: all except these, and `*` for unknown ones."""
    return (everything() | {"*"}) - all_of(patterns)


@cache
def everything() -> Actions:
    """Returns all known actions."""
    return frozenset(f"{service}:{action}" for service, actions in _known().items() for action in actions)


def without(actions: Actions, others: Actions, patterns: Iterable[str]) -> Actions:
    """Returns the actions that are not in `others`. A wildcard is removed if one of `patterns` covers it."""
    left = actions - others
    wild = {action for action in left if _wild(action) and expanded(action) - {action} <= others}
    return left - {action for action in wild if any(covers(pattern.lower(), action) for pattern in patterns)}


def shown(actions: Iterable[str], patterns: Iterable[str], most: int = 6) -> str:
    """Returns a set of actions in words, as the patterns of the policy if possible."""
    left = set(actions)
    names: list[str] = []
    for pattern in patterns:
        members = expanded(pattern)
        here = left & members
        if not here:
            continue
        left -= here
        if _wild(pattern) and not members <= here | {pattern.lower()}:
            names.append(f"`{pattern}` ({len(here - {pattern.lower()})} actions more)")
        else:
            names.append(f"`{pattern}`")
    names += [f"`{action}`" for action in sorted(left)]
    return _listed(names, most)


@cache
def covers(pattern: str, other: str) -> bool:
    """True if a pattern with `*` and `?` matches everything that another pattern matches."""
    return pattern in ("*", other) or bool(re.fullmatch(_regex(pattern), other))


def _regex(pattern: str) -> str:
    # `?` matches exactly one character, so it does not cover a `*` of the other pattern.
    return "".join(
        ".*" if character == "*" else "[^*]" if character == "?" else re.escape(character) for character in pattern
    )


def _listed(names: list[str], most: int) -> str:
    if len(names) > most:
        names = [*names[:most], f"{len(names) - most} more"]
    return ", ".join(names)


def _wild(text: str) -> bool:
    return "*" in text or "?" in text


@cache
def _known() -> Mapping[str, list[str]]:
    spec = find_spec("cfnlint")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("cfn-lint is not installed: type `make setup`")
    path = Path(next(iter(spec.submodule_search_locations))) / "data" / "AdditionalSpecs" / "Policies.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    return {service.lower(): sorted(facts.get("Actions", {})) for service, facts in data.items()}
