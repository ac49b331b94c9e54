"""Rules about environment variables of containers: names, references, and secrets that were pasted into a value."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from products.base import Public
from products.errors import ProblemsError, nearest
from products.model import Product
from products.secrets import REFERENCE, never_public, secret_kind
from products.values import REFERENCES, Reference, Value, dotted_references, member, parse
from products.variables import REPORTED, containers, layers, on_hosts, parts, written

_SECTIONS = {"database": "database: {}", "cache": "cache: {}", "media": "media: true"}
# The function gets these values as an environment variable. All of them together may have 4 KB, a quarter of which the
# database, the cluster and the services take: docs.aws.amazon.com/lambda, quotas. Each secret takes some 500 bytes.
_REWRITTEN, _REWRITTEN_LENGTH = 5, 400
_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


def problems(product: Product) -> Iterator[str]:
    """Yields an error message for every wrong environment variable, and for references where none are resolved."""
    existing = parts(product)
    places, of_hosts = layers(product), on_hosts(product)
    for place, variables in places.items():
        for variable, value in variables.items():
            where = f"{place}.{variable}"
            yield from _name(where, variable)
            for sentence in _value(product, variable, value, existing, hosts=place in of_hosts):
                yield f"{where}: {sentence}"
    for variable in product.secrets:
        yield from _name(f"secrets.{variable}", variable)
        for place, variables in places.items():
            if variable in variables:
                yield f"{place}.{variable}: is also defined under secrets; remove one of the two, ECS accepts only one"
    for environment in product.environments:
        yield from _rewritten(product, environment)
    yield from _elsewhere(product.model_dump(mode="json"), (), frozenset(places))


def _name(place: str, variable: str) -> Iterator[str]:
    if not _VARIABLE.match(variable):
        yield f"{place}: not the name of an environment variable; use letters, digits and underscores"


def _value(
    product: Product, variable: str, value: str | Public, existing: Collection[str], *, hosts: bool
) -> Iterator[str]:
    try:
        parsed = parse(written(value))
    except ProblemsError as error:
        yield from error.sentences
        return
    yield from missing_parts(parsed, existing)
    yield from _of_hosts(product, parsed) if hosts else _of_tasks(product, variable, parsed)
    yield from _pasted(product, variable, value, parsed)


def _of_hosts(product: Product, parsed: Value) -> Iterator[str]:
    """Yields an error message for each reference that hosts do not know."""
    for reference in dict.fromkeys(parsed.references):
        family = member(reference)
        if family and family[0] == "images" and family[1] not in product.images:
            yield f"no image '{family[1]}' under images{nearest(family[1], [*product.images])}"
        if reference.on_fargate:
            yield f"{reference} is known to services on Fargate only; remove it"
        if reference.name == "release.image" and product.compose:
            first = next(iter(product.images))
            yield f"a host runs several images; write which, e.g. ${{images.{first}}}"


def _of_tasks(product: Product, variable: str, parsed: Value) -> Iterator[str]:
    """Yields an error message for each reference that a task cannot have."""
    for reference in dict.fromkeys(parsed.references):
        if reference.on_hosts:
            yield f"{reference} is known on hosts only; write it under compose or containers, or remove it"
    if parsed.secret and (changing := [str(part) for part in parsed.references if part.per_release]):
        yield (
            f"{changing[0]} changes with every release, and a secret cannot: running tasks would read the next "
            "release's value; put the two into separate variables"
        )
    reported = REPORTED.get(variable)
    verified = product.default_variables and product.pipeline and product.pipeline.report_path
    if verified and reported and REFERENCES[reported] not in parsed.references:
        yield (
            f"the product reports this variable, and each release is verified by it; write {REFERENCES[reported]}, use "
            "another name, or write default_variables: false"
        )


def missing_parts(value: Value, existing: Collection[str]) -> Iterator[str]:
    """Yields an error message for each reference to a part that the product does not have."""
    for reference in dict.fromkeys(value.references):
        if reference.part and reference.part not in existing:
            yield f"the product has no {reference.part}; write {_SECTIONS[reference.part]} or remove {reference}"


def _pasted(product: Product, variable: str, value: str | Public, parsed: Value) -> Iterator[str]:
    text = "".join(REFERENCE if isinstance(part, Reference) else part for part in parsed.parts)
    if isinstance(value, Public):
        if kind := never_public(text):
            yield f"this looks like {kind}, which nobody publishes; put the value into Secrets Manager, under secrets"
        elif parsed.secret:
            secret = next(reference for reference in parsed.references if reference.secret)
            yield f"{secret} is a secret; write the value as text, without public"
    elif kind := secret_kind(variable, text):
        alternative = "" if never_public(text) else f"; if it is no secret, write {variable}: {{public: …}}"
        yield (
            f"this looks like {kind}; put the value into Secrets Manager "
            f"and write its name under secrets: {variable}: {{name: {product.name}/…}}{alternative}"
        )


def _rewritten(product: Product, environment: str) -> Iterator[str]:
    """Yields an error message if a rotation would have to rewrite more secrets than its function knows."""
    size = product.environments[environment].database
    if size is None or size.rotate_password_days is None:
        return
    try:
        found = {str(value): name for name, value in _values(product, environment) if _contains_login(value)}
    except ProblemsError:
        return  # each wrong reference has its own message
    if len(found) > _REWRITTEN or sum(map(len, found)) > _REWRITTEN_LENGTH:
        listed = ", ".join(sorted(set(found.values())))
        yield (
            f"environments.{environment}.database.rotate_password_days: a rotation rewrites at most {_REWRITTEN} "
            f"values of {_REWRITTEN_LENGTH} characters together; these contain the database's login: {listed}; write "
            "${database.url}, ${database.user} or ${database.password} alone where the application can compose the rest"
        )


def _values(product: Product, environment: str) -> Iterator[tuple[str, Value]]:
    for variables in containers(product, environment).values():
        yield from variables.items()


def _contains_login(value: Value) -> bool:
    """True if a value needs a secret of its own, and a rotation changes it."""
    login = any(reference.secret and reference.part == "database" for reference in value.references)
    return login and value.only is None


def _elsewhere(data: object, path: tuple[str, ...], resolved: frozenset[str]) -> Iterator[str]:
    """Yields an error message for each reference outside the variables of containers, where it would stay text.

    References without a dot are left alone: `${region}` may be a variable of the shell that runs a command.
    """
    if ".".join(path) in resolved:
        return
    if isinstance(data, dict):
        for key, value in data.items():
            yield from _elsewhere(value, (*path, key), resolved)
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _elsewhere(value, (*path, str(index)), resolved)
    elif isinstance(data, str):
        for reference in dotted_references(data):
            yield (
                f"{'.'.join(path)}: {reference} is not resolved here, only in the variables of the product, of an "
                "environment, of a service, of a schedule or of the migration"
            )
