"""Finds the differences of two values, leaf by leaf. Members of lists are matched by their names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from slipway_cli.review.canonical import key

# Keys that identify the members of a list. The first one that all members have, with unique values, is used.
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
    """Two different values at one path; None if a value is absent."""

    path: Path
    before: Any
    after: Any
    order_only: bool = False
    """True if the lists have the same members in another order."""
    meant: bool = True
    """False if only the order differs and it has no meaning."""


def dotted(path: Path) -> str:
    """Returns a path joined by dots; a part that contains dots is put in brackets."""
    return ".".join(f"[{part}]" if "." in part else part for part in path)


def differences(
    before: Any, after: Any, *, unordered: Callable[[Path], bool] = lambda _: False, path: Path = ()
) -> Iterator[Difference]:
    """Yields each difference, including order. `unordered` returns True for lists whose order has no meaning."""
    if before == after and type(before) is type(after):
        return
    if _same_scalar(before, after):
        return
    if _both(before, after, Mapping) and not (_is_function(before) or _is_function(after)):
        for name in dict.fromkeys([*before, *after]):
            inner = (*path, str(name))
            yield from differences(before.get(name), after.get(name), unordered=unordered, path=inner)
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
        for label in dict.fromkeys([*old, *new]):
            inner = (*path, label)
            yield from differences(old.get(label), new.get(label), unordered=unordered, path=inner)
        kept = [[member for member in items if member in old and member in new] for items in (old, new)]
        if kept[0] != kept[1]:
            yield Difference(path, kept[0], kept[1], order_only=True, meant=not unordered(path))
    elif len(before) == len(after) and all(isinstance(member, Mapping) for member in [*before, *after]):
        for index, (member, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(member, other, unordered=unordered, path=(*path, str(index)))
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
    """True if CloudFormation treats two scalars as equal, such as `"8000"` and 8000, `"true"` and true."""
    scalars = (str, int, float, bool)
    if not (isinstance(before, scalars) and isinstance(after, scalars)):
        return False
    return _text(before) == _text(after)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_function(value: Mapping[str, Any]) -> bool:
    """True for an intrinsic function such as `Ref`, whose arguments are not properties."""
    return len(value) == 1 and all(name == "Ref" or name.startswith("Fn::") for name in value)


def _both(before: Any, after: Any, kind: type) -> bool:
    return isinstance(before, kind) and isinstance(after, kind)
