"""The base class and the field types that every part of a manifest's model uses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLES: dict[str, str] = {}
"""A valid text for each pattern. Error messages and editors show it."""


def text(pattern: str, example: str, **more: Any) -> Any:
    """Returns a pydantic field for a text that matches a pattern, and registers an example of such a text."""
    EXAMPLES[pattern] = example
    return Field(pattern=pattern, examples=[example], **more)


Name = Annotated[str, text(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "celery-beat", max_length=24)]


class Model(BaseModel):
    """Base class of the manifest's parts: refuses unknown keys, coerces no value, and is immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
