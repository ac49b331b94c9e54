"""What is said when a manifest cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from products.secrets import hidden


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a manifest: where it stands, what was got, what to write instead."""

    message: str
    key: str = ""
    line: int | None = None


class ManifestError(Exception):
    """A manifest that cannot be used, with every problem found in it; `str()` is what the user reads."""

    def __init__(self, path: Path | str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        lines = []
        for problem in self.problems:
            place = f"{self.path}:{problem.line}" if problem.line else str(self.path)
            key = f" {problem.key}:" if problem.key else ""
            # Whatever a check repeats of what it got: a pasted secret does not go on into a terminal or a log.
            lines.append(f"{place}:{hidden(f'{key} {problem.message}')}")
        return lines


class ProblemsError(ValueError):
    """Several sentences at once, so that a user mends a manifest in one go."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__("\n".join(sentences))


def nearest(got: str, known: list[str]) -> str:
    """A hint at the name that was probably meant."""
    close = get_close_matches(got, known, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; write one of: {', '.join(sorted(known))}"
