"""Synthesizes products, once per manifest and test session."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from products import Product, load, product_names
from slipway.accepted import recording
from slipway_cli.gate.accepted import accepted
from slipway_cli.gate.findings import Accepted
from stacks.product import add_environments, add_product, feature_flags
from tests.support.manifests import manifest, product

PRODUCTS = product_names()
# The feature flags of the real synthesis. The validation engine is off, because it is the slowest part.
CONTEXT = feature_flags()

_OUT = tempfile.TemporaryDirectory(prefix="slipway-")  # deleted when the tests end

Json = dict[str, Any]


def app() -> cdk.App:
    """Returns an app like that of `cdk synth`, without validation and with its own output folder."""
    return cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False, outdir=tempfile.mkdtemp(dir=_OUT.name))


class Synthesis:
    """The stacks of a product, by name (`production-allthrive-services`)."""

    def __init__(self, product: Product, *, tooling: bool = True) -> None:
        self.product = product
        scope = app()
        with recording() as self._ledger:
            if tooling:
                add_product(scope, product)
            else:
                add_environments(scope, product)
        self.folder = Path(scope.synth().directory)
        self.templates: dict[str, Json] = {}
        self.properties: dict[str, Json] = {}
        for nested in sorted(self.folder.glob("assembly-*")):
            artifacts = json.loads((nested / "manifest.json").read_text())["artifacts"]
            for artifact in artifacts.values():
                if artifact["type"] == "aws:cloudformation:stack":
                    properties = artifact["properties"]
                    name = properties["stackName"]
                    self.templates[name] = json.loads((nested / properties["templateFile"]).read_text())
                    self.properties[name] = properties

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """Returns the findings of the policy gate that the constructs accept."""
        return accepted(self._ledger)

    def __getitem__(self, stack: str) -> Json:
        return self.templates[stack]

    def template(self, stack: str) -> Template:
        """Returns a stack's template, for assertions."""
        return Template.from_json(self.templates[stack])

    def resources(self, kind: str, stack: str = "") -> dict[str, Json]:
        """Returns the resources of a type, in one stack or in all, by `stack/logical id`."""
        return {
            f"{name}/{logical_id}": resource
            for name, template in self.templates.items()
            if stack in ("", name)
            for logical_id, resource in template.get("Resources", {}).items()
            if resource["Type"] == kind
        }

    def resource(self, kind: str, stack: str, which: Callable[[Json], bool] = lambda _: True) -> Json:
        """Returns the properties of the only resource of a type in a stack that matches."""
        found = [resource.get("Properties", {}) for resource in self.resources(kind, stack).values()]
        (only,) = [properties for properties in found if which(properties)]
        return dict(only)


@cache
def _synthesis(changes: str, *, tooling: bool) -> Synthesis:
    return Synthesis(product(json.loads(changes)), tooling=tooling)


def synthesis(changes: Mapping[str, Any] | None = None, *, tooling: bool = False) -> Synthesis:
    """Returns the synthesis of AllThrive with values set at dotted paths; only production, unless changed."""
    only = {"pipeline": None, "environments": {"production": manifest()["environments"]["production"]}}
    return _synthesis(json.dumps({**({} if tooling else only), **(changes or {})}), tooling=tooling)


@cache
def shipped(name: str) -> Synthesis:
    """Returns the synthesis of a shipped product."""
    return Synthesis(load(name))


def walk(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yields each value of a template with its path."""
    yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from walk(child, (*path, str(key)))


def statements(template: Json) -> Iterator[tuple[str, Json]]:
    """Yields each policy statement of a template with the logical id of its resource."""
    for path, value in walk(template.get("Resources", {})):
        if path and path[-1] == "Statement" and isinstance(value, list):
            for statement in value:
                yield path[0], statement


def listed(value: Any) -> list[Any]:
    """Returns a value as a list, since IAM accepts a single value or a list."""
    return value if isinstance(value, list) else [value]
