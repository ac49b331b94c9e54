"""The experiences that the backend shows."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Experience:
    """Something that was learned in production."""

    id: int
    title: str
    lesson: str


ALL = (
    Experience(1, "A deployment without a way back", "Roll back before you look for the cause."),
    Experience(2, "An alarm that nobody read", "Each alarm says what to do."),
    Experience(3, "A change by hand at night", "What is not in the repository is undone, or forgotten."),
)


def listed() -> list[dict[str, object]]:
    """Returns every experience."""
    return [asdict(experience) for experience in ALL]


def found(identifier: str) -> dict[str, object] | None:
    """Returns the experience with an id; None if there is none."""
    return next((asdict(experience) for experience in ALL if str(experience.id) == identifier), None)
