"""Errors for a manifest that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from products.secrets import hidden


@dataclass(frozen=True)
class Problem:
    """One mistake in a manifest. The message states what was found and what to write instead."""

    message: str
    key: str = ""
    line: int | None = None


class ManifestError(Exception):
    """Raised for a manifest that cannot be used, with every problem found in it. The user reads its `str()`."""

    def __init__(self, path: Path | str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = []
        for problem in self.problems:
            place = f"{self.path}:{problem.line}" if problem.line else str(self.path)
            key = f" {problem.key}:" if problem.key else ""
            # Messages quote values of the manifest: a secret pasted there must not reach a terminal or a log.
            lines.append(f"{place}:{hidden(f'{key} {problem.message}')}")
        return lines


class ProblemsError(ValueError):
    """Raised with several error messages at once, so that a user can fix all of them before the next run."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def nearest(got: str, known: list[str]) -> str:
    """Returns a hint for an unknown name: the known name closest to it, or all known names."""
    close = get_close_matches(got, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; write one of: {', '.join(sorted(known))}"
