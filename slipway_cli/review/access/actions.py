"""IAM actions as sets: wildcards worked out with the list of actions that cfn-lint brings."""

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
    """Every action that a pattern names, in lower case; the pattern itself where no such action is known."""
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
    return found | {pattern.lower()}  # itself, since actions are added to AWS after the list was made


@cache
def all_of(patterns: frozenset[str]) -> Actions:
    """Every action that one of the patterns names."""
    return frozenset[str]().union(*(expanded(pattern) for pattern in patterns))


@cache
def all_but(patterns: frozenset[str]) -> Actions:
    """What `NotAction` leaves: every action, and `*` for those not known, without these."""
    return (everything() | {"*"}) - all_of(patterns)


@cache
def everything() -> Actions:
    """Every known action."""
    return frozenset(f"{service}:{action}" for service, actions in _known().items() for action in actions)


def without(actions: Actions, others: Actions, patterns: Iterable[str]) -> Actions:
    """Actions less those that others hold; a pattern among them goes too, where one of the others' covers it."""
    left = actions - others
    wild = {action for action in left if _wild(action) and expanded(action) - {action} <= others}
    return left - {action for action in wild if any(covers(pattern.lower(), action) for pattern in patterns)}


def shown(actions: Iterable[str], patterns: Iterable[str], most: int = 6) -> str:
    """A set of actions for a reader: by the patterns they were written as, where all of a pattern's are among them."""
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
    """Whether a pattern with `*` and `?` matches everything that another pattern matches."""
    return pattern in ("*", other) or bool(re.fullmatch(_regex(pattern), other))


def _regex(pattern: str) -> str:
    # A `?` stands for one character, which a `*` of the other pattern is not.
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
