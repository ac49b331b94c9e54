"""Rules about the variables and secrets of builds: error messages, as in checks.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from products.base import Public
from products.containers import Image
from products.errors import nearest
from products.frontend import Frontend
from products.model import Product
from products.secrets import looks_secret, never_public, secret_kind
from products.site_checks import place as place_of
from products.variables import written

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
# Bundlers publish variables with these prefixes; that says nothing of the value.
_PREFIX = re.compile(r"^(VITE|VUE_APP|REACT_APP|GATSBY|PUBLIC|(NEXT|NUXT|EXPO)_PUBLIC)_")
# Builds of Slipway's that install packages, and so have the variable SECRETS.
INSTALLING = ("backend", "browser", "e2e", "frontend", "migrations")


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every variable or secret that a build cannot have."""
    for name, frontend in product.sites().items():
        yield from _frontend(place_of(name), frontend)
    for name, image in product.images.items():
        yield from _candidates(f"images.{name}.candidate_secrets", image)
    for name, check in (product.pipeline.checks if product.pipeline else {}).items():
        place = f"pipeline.checks.{name}"
        yield from _names(place, check.variables, check.secrets)
        if check.secrets and check.build and check.build not in INSTALLING:
            yield f"{place}.secrets: the build {check.build} installs nothing, so it needs none; remove them"
        for variable, value in check.variables.items():
            kind = looks_secret(value)
            if kind:
                yield f"{place}.variables.{variable}: this looks like {kind}; {_instead(f'{place}.secrets', variable)}"


def _candidates(place: str, image: Image) -> Iterator[str]:
    """Yields an error message for each secret that the builds of pull requests must not have."""
    for key, secret in image.candidate_secrets.items():
        if key not in image.build_secrets:
            yield f"{place}.{key}: not under build_secrets{nearest(key, [*image.build_secrets])}"
        elif secret == image.build_secrets[key]:
            yield (
                f"{place}.{key}: the same secret as in build_secrets, and whoever opens a pull request can read it; "
                "write the name of another secret, or remove it if the image can be built without it"
            )


def _frontend(part: str, frontend: Frontend) -> Iterator[str]:
    yield from _names(part, frontend.variables, frontend.secrets)
    for variable, value in frontend.variables.items():
        place, text = f"{part}.variables.{variable}", written(value)
        kind = never_public(text) if isinstance(value, Public) else secret_kind(_PREFIX.sub("", variable), text)
        if "${" in text:
            yield (
                f"{place}: got '{text}', but the bundle is built once, and all environments get the same files; write "
                "a value without references, and let pages use relative URLs (/api/…) or ask the backend for the rest"
            )
        elif kind:
            yield (
                f"{place}: this looks like {kind}, and every visitor can read what is built into the pages; keep it in "
                f"the backend. If only the install needs it, write it under {part}.secrets"
                + (
                    ""
                    if isinstance(value, Public)
                    else f"; if it is meant for visitors, write {variable}: {{public: …}}"
                )
            )


def _names(place: str, variables: Mapping[str, object], secrets: Mapping[str, object]) -> Iterator[str]:
    for kind, names in (("variables", variables), ("secrets", secrets)):
        for name in names:
            if not _VARIABLE.match(name):
                yield f"{place}.{kind}.{name}: not a variable's name; use letters, digits and underscores"
    for name in secrets:
        if name in variables:
            yield f"{place}.secrets.{name}: is also defined under variables; remove one of the two"


def _instead(place: str, variable: str) -> str:
    return f"put the value into Secrets Manager and write its name under {place}: {variable}: {{name: …}}"
