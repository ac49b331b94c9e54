"""Values of environment variables: text with references, such as `${cache.url}/1`.

`$${` is written for a literal `${`. Any other `$` is literal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from products.errors import ProblemsError
from products.reference_names import nearest_reference


@dataclass(frozen=True)
class Reference:
    """Something that a value may refer to by its name, e.g. `database.url`."""

    name: str
    meaning: str
    """For readers of docs/manifest.md."""
    part: str | None = None
    """The part of a product that provides it: `database`, `cache` or `media`; None if every product has it."""
    secret: bool = False
    """True if a value with this reference is secret."""
    per_release: bool = False
    """True if every release changes it."""
    on_hosts: bool = False
    """True if only what runs on hosts knows it."""
    on_fargate: bool = False
    """True if only services on Fargate know it."""

    def __str__(self) -> str:
        return f"${{{self.name}}}"


REFERENCES = {
    reference.name: reference
    for reference in (
        Reference("secret_key", "64 random letters and digits, generated once per environment", secret=True),
        Reference(
            "database.url", "`postgresql://USER:PASSWORD@HOST:5432/NAME?sslmode=…`", part="database", secret=True
        ),
        Reference("database.host", "address of the database instance", part="database"),
        Reference("database.port", "`5432`", part="database"),
        Reference("database.name", "`database.name` of this manifest", part="database"),
        Reference(
            "database.user",
            "the user in use, `app_1` or `app_2`: each rotation of the password changes it",
            part="database",
            secret=True,
        ),
        Reference("database.password", "this user's password, letters and digits", part="database", secret=True),
        Reference("cache.url", "`rediss://:TOKEN@HOST:6379`; append `/1` for database 1", part="cache", secret=True),
        Reference("cache.host", "primary endpoint; a failover does not change it", part="cache"),
        Reference("cache.port", "`6379`", part="cache"),
        Reference("cache.token", "AUTH token, letters and digits", part="cache", secret=True),
        Reference("media.bucket", "bucket of the uploads", part="media"),
        Reference("site.url", "`https://` and `site.domain`"),
        Reference(
            "site.domain", "`edge.domain.name` of the environment; without a domain, CloudFront's name of the site"
        ),
        Reference("release.version", "version of the release", per_release=True),
        Reference("release.image", "the container's own image, by digest", per_release=True),
        Reference(
            "discovery.domain",
            "domain in whose names services find the tasks of others, for `calls`",
            on_fargate=True,
        ),
        Reference("alarms.topic", "ARN of the topic of the environment's alarms, for `alerts`", on_fargate=True),
        Reference("environment", "name of the environment"),
        Reference("region", "AWS region of the environment"),
        Reference("registry", "host name of the registry, `ACCOUNT.dkr.ecr.REGION.amazonaws.com`", on_hosts=True),
    )
}
FAMILIES = {
    family: Reference(f"{family}.NAME", meaning, secret=secret, per_release=not secret, on_hosts=True)
    for family, meaning, secret in (
        ("images", "image `NAME` of the release, by digest", False),
        ("generated", "32 random letters and digits, generated once per environment for each `NAME`, and kept", True),
    )
}
"""References whose last part is a name that the manifest chooses, by the first part."""

# A run of `$` before a brace: an odd number ends with the `$` of a reference, an even one is literal.
_OPENING = re.compile(r"(\$+)\{")
_MEMBER = re.compile(r"^(images|generated)\.([a-z][a-z0-9]*(?:[-_][a-z0-9]+)*)$")
_FAMILY = re.compile(r"\$\{(images|generated)\.[\w-]+\}")
# Only names with a dot: `$region` may be meant for a shell.
_UNBRACED = re.compile(r"\$(" + "|".join(re.escape(name) for name in REFERENCES if "." in name) + r")(?![\w.])")


@dataclass(frozen=True)
class Value:
    """A parsed value: literal texts and references, in order."""

    parts: tuple[str | Reference, ...]

    @property
    def references(self) -> tuple[Reference, ...]:
        """Returns the references in order; one that occurs twice is returned twice."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def secret(self) -> bool:
        """True if a reference makes the value secret."""
        return any(reference.secret for reference in self.references)

    @property
    def only(self) -> Reference | None:
        """Returns the reference, if the value is one reference without any text."""
        first = self.parts[0] if len(self.parts) == 1 else None
        return first if isinstance(first, Reference) else None

    def __str__(self) -> str:
        """Returns the value as a manifest writes it; equal values have equal texts."""
        written = ""
        for part in self.parts:
            if isinstance(part, Reference):
                dollars = len(written) - len(written.rstrip("$"))
                written += "$" * dollars + str(part)
            else:
                written += re.sub(r"\$+(?=\{)", lambda run: run[0] * 2, part)
        return written


def parse(text: str) -> Value:
    """Returns a value of a manifest, parsed.

    Raises:
        ProblemsError: if a reference is malformed or unknown; it says what to write instead of each.
    """
    parts: list[str | Reference] = []
    problems: list[str] = []
    for token in _tokens(text):
        if isinstance(token, _Wrong):
            problems.append(token.sentence)
        elif isinstance(token, str) and parts and isinstance(parts[-1], str):
            parts[-1] += token
        elif token:
            parts.append(token)
    if problems:
        raise ProblemsError(problems)
    return Value(tuple(parts))


def dotted_references(text: str) -> list[str]:
    """Returns the references with a dot that a text spells out, which no shell would understand as its variables."""
    fixed = [str(reference) for name, reference in REFERENCES.items() if "." in name and str(reference) in text]
    return [*fixed, *(found[0] for found in _FAMILY.finditer(text))]


def member(reference: Reference) -> tuple[str, str] | None:
    """Returns the family and the name of a reference such as `images.backend`; None for those with fixed names."""
    found = _MEMBER.match(reference.name)
    return (found[1], found[2]) if found else None


@dataclass(frozen=True)
class _Wrong:
    """A malformed or unknown reference."""

    sentence: str


def _tokens(text: str) -> Iterator[str | Reference | _Wrong]:
    position = 0
    while opening := _OPENING.search(text, position):
        yield from _literal(text[position : opening.start()])
        dollars, refers = divmod(len(opening[1]), 2)
        yield "$" * dollars
        position = opening.end()
        if not refers:
            yield "{"
            continue
        end = text.find("}", position)
        if end < 0:
            yield _Wrong(_unclosed(text[position:]))
            return
        yield _reference(text[position:end])
        position = end + 1
    yield from _literal(text[position:])


def _literal(text: str) -> Iterator[str | _Wrong]:
    yield text
    for found in _UNBRACED.finditer(text):
        yield _Wrong(f"{found[0]} is no reference; write ${{{found[1]}}}")


def _unclosed(rest: str) -> str:
    name = re.match(r"\s*([\w.]*)", rest)
    close = nearest_reference(name[1] if name else "", list(REFERENCES))
    instead = f"write ${{{close}}}" if close else "write } after the name"
    return f"a reference begins with ${{ but has no }}; {instead}, or $${{ for a literal ${{"


def _reference(name: str) -> Reference | _Wrong:
    if name in REFERENCES:
        return REFERENCES[name]
    if found := _MEMBER.match(name):
        return replace(FAMILIES[found[1]], name=name)
    if (family := name.partition(".")[0].strip().lower()) in FAMILIES:
        return _Wrong(f"unknown reference ${{{name}}}; write ${{{family}.NAME}}, with a name of small letters")
    known = list(REFERENCES)
    if close := nearest_reference(name, known):
        return _Wrong(f"unknown reference ${{{name}}}; did you mean ${{{close}}}?")
    group = [str(reference) for reference in REFERENCES.values() if reference.name.startswith(f"{name.lower()}.")]
    listed = ", ".join(group or [str(reference) for reference in REFERENCES.values()])
    return _Wrong(f"unknown reference ${{{name}}}; write one of: {listed}, or $${{ for a literal ${{")
