"""Reads and validates the parameters of a handler; errors say what to write instead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}$")


class ParameterError(ValueError):
    """A parameter is missing or wrong."""


class Parameters:
    """The JSON object in the environment variable `SETTINGS`, overridden by the user parameters of an action.

    Numbers may arrive as strings, since pipeline variables are strings. A parameter that the handler does not read is
    refused.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)
        self._read: set[str] = set()

    @classmethod
    def load(cls, user_parameters: object = None) -> Parameters:
        """Returns the parameters in the environment and in an action's user parameters, which are a JSON string."""
        fixed = _table(os.environ.get("SETTINGS") or "{}", "the environment variable SETTINGS")
        return cls({**fixed, **_table(user_parameters or "{}", "UserParameters")})

    def text(self, name: str, default: str | None = None) -> str:
        """Returns a string that must not be empty."""
        value = self._value(name, default)
        if not isinstance(value, str) or not value:
            raise ParameterError(f"parameter '{name}' must be a non-empty string, got {value!r}")
        return _resolved(name, value)

    def optional_text(self, name: str) -> str | None:
        """Returns a string, or None if it is missing or empty."""
        return self.text(name) if self._value(name, "") not in ("", None) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Returns a list of strings, also from one string with commas; empty by default."""
        value = self._value(name, [])
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list) or not all(isinstance(part, str) and part for part in value):
            raise ParameterError(f"parameter '{name}' must be a list of strings, got {value!r}")
        return tuple(_resolved(name, part) for part in value)

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """Returns a number, which must be within the bounds."""
        value = self._value(name, default)
        try:
            number = float(str(value))
        except ValueError:
            raise ParameterError(f"parameter '{name}' must be a number, got {value!r}") from None
        if not minimum <= number <= maximum:
            raise ParameterError(f"parameter '{name}' must be between {minimum:g} and {maximum:g}, got {number:g}")
        return number

    def table(self, name: str) -> dict[str, str]:
        """Returns an object whose values are strings; empty by default."""
        value = self._value(name, {})
        if not isinstance(value, dict) or not all(isinstance(part, str) for pair in value.items() for part in pair):
            raise ParameterError(f"parameter '{name}' must be an object of strings, got {value!r}")
        return {key: _resolved(f"{name}.{key}", text) for key, text in value.items()}

    def tables(self, name: str) -> dict[str, Parameters]:
        """Returns an object whose values are parameters themselves; empty by default."""
        value = self._value(name, {})
        if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
            raise ParameterError(f"parameter '{name}' must be an object of objects, got {value!r}")
        return {str(key): Parameters(table) for key, table in value.items()}

    def refuse_unknown(self) -> None:
        """Raises ParameterError if there is a parameter that the handler did not read."""
        unknown = sorted(set(self._values) - self._read)
        if unknown:
            raise ParameterError(f"unknown parameter '{unknown[0]}', known are: {', '.join(sorted(self._read))}")

    def _value(self, name: str, default: object) -> object:
        self._read.add(name)
        if name not in self._values and default is None:
            raise ParameterError(f"parameter '{name}' is missing")
        return self._values.get(name, default)


def digest(uri: str) -> str:
    """Returns the digest in an image URI; a digest alone is returned as it is."""
    found = uri.rpartition("@")[2]
    if not _DIGEST.match(found):
        raise ParameterError(f"'{uri}' must name an image by digest: <repository>@sha256:<64 hexadecimal digits>")
    return found


def _resolved(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ParameterError(
            f"parameter '{name}' contains an unpaired surrogate and cannot be encoded: {value!r}"
        ) from None
    if "#{" in value:
        raise ParameterError(f"parameter '{name}' contains a variable that no action has set: {value}")
    return value


def _table(text: object, where: str) -> dict[str, object]:
    if not isinstance(text, str):
        raise ParameterError(f"{where} must be a string with a JSON object, got {type(text).__name__}")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{where} must be a JSON object: {error}") from None
    except RecursionError:
        raise ParameterError(f"{where} must be a JSON object, but it is nested too deeply") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{where} must be a JSON object, got {type(value).__name__}")
    return value
