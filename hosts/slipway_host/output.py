"""The output of a step: lines without secrets for the operator, and one last line for the calling program."""

from __future__ import annotations

import json
import sys
from typing import Any

# SSM keeps the first 24,000 characters (GetCommandInvocation, StandardOutputContent), and the last line is needed.
_LIMIT = 20_000
_LINE = 400
_SHORTEST_SECRET = 6  # a shorter one would also hide words that mean something else
MARK = "SLIPWAY "


class Failed(Exception):  # noqa: N818 - an outcome
    """A step failed; the message says what failed, why, and what to do."""


class Output:
    """The standard output: at most 20,000 characters, in which the secrets that the step knows are replaced."""

    def __init__(self) -> None:
        self._secrets: list[str] = []
        self._left = _LIMIT
        self._dropped = 0

    def hide(self, secret: str) -> None:
        """Replaces a secret, and each of its lines, in everything that is printed from now on."""
        found = {secret, *secret.splitlines(), json.dumps(secret)[1:-1]}
        known = found.union(self._secrets)
        self._secrets = sorted((text for text in known if len(text) >= _SHORTEST_SECRET), key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Returns a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def say(self, text: str) -> None:
        """Prints lines; what is beyond the limit is counted and left out."""
        for line in self.clean(text).rstrip("\n").split("\n"):
            shown = line if len(line) <= _LINE else line[:_LINE] + " […]"
            if len(shown) + 1 > self._left:
                self._dropped += 1
                continue
            self._left -= len(shown) + 1
            self._print(shown)

    def end(self, report: dict[str, Any]) -> None:
        """Prints the last line, which the handler of the pipeline reads."""
        if self._dropped:
            self._print(f"[{self._dropped} more lines were left out; the containers' logs have them]")
        self._print(MARK + json.dumps(report, sort_keys=True))

    def _print(self, line: str) -> None:
        sys.stdout.write(line.encode("utf-8", "replace").decode() + "\n")
        sys.stdout.flush()
