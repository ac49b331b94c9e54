"""Settings of a handler, read once, with errors that say what to write instead."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}$")
_FLAGS = {"true": True, "false": False}


class ParameterError(ValueError):
    """A setting that is missing or wrong."""


class Parameters:
    """What the pipeline tells a handler: the JSON of `SETTINGS` in its environment, under that of its user parameters.

    Values may arrive as text, since pipeline variables are texts. Names nobody asked for are refused.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = dict(values)
        self._asked: set[str] = set()

    @classmethod
    def of(cls, user_parameters: object = None) -> Parameters:
        """Of the environment, and of an action's user parameters, a text."""
        fixed = _table(os.environ.get("SETTINGS") or "{}", "the environment variable SETTINGS")
        return cls({**fixed, **_table(user_parameters or "{}", "UserParameters")})

    def text(self, name: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._value(name, default)
        if not isinstance(value, str) or not value:
            raise ParameterError(f"parameter '{name}' must be a text that is not empty, got {value!r}")
        return _resolved(name, value)

    def maybe(self, name: str) -> str | None:
        """A text, or None where it is not given or empty."""
        return self.text(name) if self._value(name, "") not in ("", None) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts, empty by default; also one text with commas."""
        value = self._value(name, [])
        if isinstance(value, str):
            value = [each.strip() for each in value.split(",") if each.strip()]
        if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
            raise ParameterError(f"parameter '{name}' must be a list of texts, got {value!r}")
        return tuple(_resolved(name, each) for each in value)

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """A number within bounds."""
        value = self._value(name, default)
        try:
            number = float(str(value))
        except ValueError:
            raise ParameterError(f"parameter '{name}' must be a number, got {value!r}") from None
        if not minimum <= number <= maximum:
            raise ParameterError(f"parameter '{name}' must be between {minimum:g} and {maximum:g}, got {number:g}")
        return number

    def flag(self, name: str, *, default: bool = False) -> bool:
        """True or false."""
        value = self._value(name, default)
        found = value if isinstance(value, bool) else _FLAGS.get(str(value).lower())
        if found is None:
            raise ParameterError(f"parameter '{name}' must be true or false, got {value!r}")
        return found

    def table(self, name: str) -> dict[str, str]:
        """Texts by name, empty by default."""
        value = self._value(name, {})
        if not isinstance(value, dict) or not all(isinstance(each, str) for pair in value.items() for each in pair):
            raise ParameterError(f"parameter '{name}' must be a table of texts, got {value!r}")
        return {key: _resolved(f"{name}.{key}", each) for key, each in value.items()}

    def tables(self, name: str) -> dict[str, Parameters]:
        """Further parameters by name, empty by default."""
        value = self._value(name, {})
        if not isinstance(value, dict) or not all(isinstance(each, dict) for each in value.values()):
            raise ParameterError(f"parameter '{name}' must be a table of tables, got {value!r}")
        return {str(key): Parameters(each) for key, each in value.items()}

    def done(self) -> None:
        """Refuse what nobody asked for."""
        unknown = sorted(set(self._values) - self._asked)
        if unknown:
            raise ParameterError(f"unknown parameter '{unknown[0]}', known are: {', '.join(sorted(self._asked))}")

    def _value(self, name: str, default: object) -> object:
        self._asked.add(name)
        if name not in self._values and default is None:
            raise ParameterError(f"parameter '{name}' is missing")
        return self._values.get(name, default)


def digest(uri: str) -> str:
    """The digest of an image's URI, or the digest itself."""
    found = uri.rpartition("@")[2]
    if not _DIGEST.match(found):
        raise ParameterError(f"'{uri}' must name an image by digest: <repository>@sha256:<64 hexadecimal digits>")
    return found


def _resolved(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ParameterError(f"parameter '{name}' holds half a character, which nobody can send: {value!r}") from None
    if "#{" in value:
        raise ParameterError(f"parameter '{name}' holds a variable that no action has set: {value}")
    return value


def _table(text: object, where: str) -> dict[str, object]:
    if not isinstance(text, str):
        raise ParameterError(f"{where} must be the text of a JSON object, got {type(text).__name__}")
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ParameterError(f"{where} must be a JSON object: {error}") from None
    except RecursionError:
        raise ParameterError(f"{where} must be a JSON object, not this many brackets in each other") from None
    if not isinstance(value, dict):
        raise ParameterError(f"{where} must be a JSON object, got {type(value).__name__}")
    return value
