"""Where two values differ, leaf by leaf: lists are compared by what their members are called."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_cli.review.canonical import key

# What tells the members of a list apart, the first that all of them have and none shares.
_NAMES = (
    "Name",
    "Key",
    "Sid",
    "Id",
    "PathPattern",
    "DeviceName",
    "ContainerName",
    "ParameterName",
    "IndexName",
    "PolicyName",
)

Path = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Two values at one path; None where there is none."""

    path: Path
    before: Any
    after: Any
    order_only: bool = False
    """The same members in another order."""
    meant: bool = True
    """Whether the order means something."""


def dotted(path: Path) -> str:
    """A path as one text; a name that has dots itself stands in brackets."""
    return ".".join(f"[{part}]" if "." in part else part for part in path)


def differences(
    before: Any, after: Any, *, unordered: Callable[[Path], bool] = lambda _: False, path: Path = ()
) -> Iterator[Difference]:
    """Every leaf that differs, order included. `unordered` says of which lists the order means nothing."""
    if before == after and type(before) is type(after):
        return
    if _same_scalar(before, after):
        return
    if _both(before, after, Mapping) and not (_is_function(before) or _is_function(after)):
        for name in dict.fromkeys([*before, *after]):
            there = (*path, str(name))
            yield from differences(before.get(name), after.get(name), unordered=unordered, path=there)
    elif _both(before, after, list):
        yield from _lists(before, after, unordered, path)
    else:
        yield Difference(path, before, after)


def _lists(before: list[Any], after: list[Any], unordered: Callable[[Path], bool], path: Path) -> Iterator[Difference]:
    if sorted(map(key, before)) == sorted(map(key, after)):
        yield Difference(path, before, after, order_only=True, meant=not unordered(path))
        return
    name = _name(before, after)
    if name:
        old, new = ({str(item[name]): item for item in items} for items in (before, after))
        for each in dict.fromkeys([*old, *new]):
            there = (*path, each)
            yield from differences(old.get(each), new.get(each), unordered=unordered, path=there)
        kept = [[member for member in items if member in old and member in new] for items in (old, new)]
        if kept[0] != kept[1]:
            yield Difference(path, kept[0], kept[1], order_only=True, meant=not unordered(path))
    elif len(before) == len(after) and all(isinstance(member, Mapping) for member in [*before, *after]):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, unordered=unordered, path=(*path, str(index)))
    else:
        yield Difference(path, before, after)


def _name(before: list[Any], after: list[Any]) -> str:
    members = [*before, *after]
    if not members or not all(isinstance(member, Mapping) for member in members):
        return ""
    for name in _NAMES:
        if all(isinstance(member.get(name), str) for member in members) and all(
            len({item[name] for item in items}) == len(items) for items in (before, after)
        ):
            return name
    return ""


def _same_scalar(before: Any, after: Any) -> bool:
    """CloudFormation takes `"8000"` for 8000 and `"true"` for true."""
    scalars = (str, int, float, bool)
    if not (isinstance(before, scalars) and isinstance(after, scalars)):
        return False
    return _text(before) == _text(after)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_function(value: Mapping[str, Any]) -> bool:
    """Whether it is a function such as `Ref`, whose arguments are not properties."""
    return len(value) == 1 and all(name == "Ref" or name.startswith("Fn::") for name in value)


def _both(before: Any, after: Any, kind: type) -> bool:
    return isinstance(before, kind) and isinstance(after, kind)
