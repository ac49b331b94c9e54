"""What every part of a manifest's model is made of."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

EXAMPLES: dict[str, str] = {}
"""What a text of each pattern may look like: said when another is refused, and shown by editors."""


def text(pattern: str, example: str, **more: Any) -> Any:
    """A text that matches a pattern, with an example of one."""
    EXAMPLES[pattern] = example
    return Field(pattern=pattern, examples=[example], **more)


Name = Annotated[str, text(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "celery-beat", max_length=24)]


class Model(BaseModel):
    """Unknown keys are refused, nothing is coerced, nothing changes after it was read."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)
