"""The base class and the field types that every part of a manifest's model uses."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from products import field_checks

EXAMPLES: dict[str, str] = {}
"""A valid text for each pattern. Error messages and editors show it."""


def text(pattern: str, example: str, **more: Any) -> Any:
    """Returns a pydantic field for a text that matches a pattern, and registers an example of such a text."""
    EXAMPLES[pattern] = example
    return Field(pattern=pattern, examples=[example], **more)


def derived(words: str) -> dict[str, Any]:
    """Returns the mark of a field that a manifest may leave out although the model requires it.

    products/defaults.py writes it before validation. `words` say what it writes, for docs/manifest.md.
    """
    return {DERIVED: words}


DERIVED = "x-derived"
Name = Annotated[str, text(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", "celery-beat", max_length=24)]
Minutes = Annotated[
    int, Field(ge=5, le=480)
]  # CodeBuild's bounds for a build are 5 minutes and 8 hours (default quota)
Account = Annotated[str, text(r"^\d{12}$", '"111122223333"', description="12-digit AWS account id, quoted")]


class Model(BaseModel):
    """Base class of the manifest's parts: refuses unknown keys, coerces no value, and is immutable."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class ExistingSecret(Model):
    """A secret that an operator created: its name in Secrets Manager, never its value."""

    name: str = text(r"^[A-Za-z0-9/_+=.@-]{1,512}$", "allthrive/openai")
    key: str | None = None
    """Key in a JSON secret; by default the whole value of the secret is used."""

    @model_validator(mode="after")
    def _is_a_name(self) -> ExistingSecret:
        field_checks.secret_name(self.name)
        return self


class Public(Model):
    """A value that looks like a secret, but is published, e.g. a key that every visitor's browser gets."""

    public: str
    """The value; it may contain references to what is not secret."""


FORMS = TEXT_FORM, KEYS_FORM = "[text]", "[keys]"
"""The forms of a variable's value; pydantic adds them to the place of an error, and the loader removes them."""


def _form(value: object) -> str:
    return KEYS_FORM if isinstance(value, dict | Public) else TEXT_FORM


Variables = dict[
    str, Annotated[Annotated[str, Tag(TEXT_FORM)] | Annotated[Public, Tag(KEYS_FORM)], Discriminator(_form)]
]
"""Environment variables as a manifest writes them; products/values.py parses their values."""
