"""The wire format of Protocol Buffers: reads and changes single fields of a message, without its schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTH = {FIXED64: 8, FIXED32: 4}
_MAX_BITS = 70
_PRINTABLE = re.compile(rb"[\x20-\x7e]*")

Field = tuple[int, int, bytes]  # number, wire type, raw value


class MalformedError(ValueError):
    """The bytes are not a valid message."""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > _MAX_BITS:
            raise MalformedError("a number ends too early")
        byte = data[at]
        value, at, shift = value | (byte & 0x7F) << shift, at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits to a byte
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def fields(data: bytes) -> Iterator[Field]:
    """Yields the fields of a message in their order."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        start = at
        if kind == VARINT:
            _value, at = _varint(data, at)
            yield number, kind, data[start:at]
            continue
        if kind == BYTES:
            size, at = _varint(data, at)
        elif kind in _WIDTH:
            size = _WIDTH[kind]
        else:
            raise MalformedError(f"wire type {kind}")
        if at + size > len(data):
            raise MalformedError("a field ends too early")
        yield number, kind, data[at : at + size]
        at += size


def message(found: list[Field]) -> bytes:
    """Returns the message with these fields."""
    parts = []
    for number, kind, value in found:
        size = _number(len(value)) if kind == BYTES else b""
        parts += [_number(number << 3 | kind), size, value]
    return b"".join(parts)


def changed(data: bytes, changes: dict[int, Callable[[bytes], bytes]]) -> bytes:
    """Returns the message with the functions applied to its fields, by number. All other fields stay unchanged."""
    return message(
        [
            (number, kind, changes[number](value) if kind == BYTES and number in changes else value)
            for number, kind, value in fields(data)
        ]
    )


def entry(value: bytes) -> tuple[str, str]:
    """Returns key and value of an entry in a map of strings. If a field appears twice, the last one counts."""
    found = {number: content for number, kind, content in fields(value) if kind == BYTES}
    return found.get(1, b"").decode(), found.get(2, b"").decode("utf-8", "surrogateescape")


def text_entry(key: str, value: str) -> bytes:
    """Returns an entry of a map of strings."""
    return message([(1, BYTES, key.encode()), (2, BYTES, value.encode("utf-8", "surrogateescape"))])


def texts(value: bytes, depth: int = 12) -> Iterator[str]:
    """Yields every possible string in a value, which may be a string itself or a message with inner fields.

    The wire format does not distinguish the two, so a value that can be read in both ways is read in both ways.
    """
    inner: list[bytes] = []
    try:
        inner = [content for _number, kind, content in fields(value) if kind == BYTES]
    except MalformedError:
        yield value.decode("utf-8", "replace")
        return
    if _PRINTABLE.fullmatch(value) or not depth:
        yield value.decode("utf-8", "replace")
    if depth:
        for content in inner:
            yield from texts(content, depth - 1)
