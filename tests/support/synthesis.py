"""Synthesizes products, once per manifest: later tests, sessions and workers read the result from a cache.

The cache belongs to one state of the sources: a change of any file that a synthesis can read starts a new one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import pickle
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk.assertions import Template

from paths import ROOT
from products import Product, load, product_names
from slipway.accepted import recording
from slipway_cli.gate.accepted import accepted
from slipway_cli.gate.findings import Accepted
from stacks.product import add_environments, add_product, feature_flags
from tests.support.manifests import manifest, product

PRODUCTS = product_names()
ON_FARGATE = [name for name in PRODUCTS if load(name).services]
"""The products with services; the others run on hosts."""
WITH_DATABASE = [name for name in PRODUCTS if load(name).database]
WITH_CACHE = [name for name in PRODUCTS if load(name).cache]
WITH_FRONTEND = [name for name in PRODUCTS if load(name).sites()]
# The feature flags of the real synthesis. The validation engine is off, because it is the slowest part.
CONTEXT = feature_flags()

_OUT = tempfile.TemporaryDirectory(prefix="slipway-")  # deleted when the tests end

Json = dict[str, Any]


def app() -> cdk.App:
    """Returns an app like that of `cdk synth`, without validation and with its own output folder."""
    return cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False, outdir=tempfile.mkdtemp(dir=_OUT.name))


_CACHE = ROOT / ".pytest_cache" / "syntheses"
# What no synthesis reads; everything else in the repository is taken to be its input, and so is this module.
_NOT_INPUT = ("bench", "cdk.out", "docs", "examples", "localcloud", "node_modules", "slipway_cli", "tests")
_NO_SOURCE = ("*.md", "__pycache__", ".*")
_INPUT = (Path(__file__), *sorted((ROOT / "slipway_cli" / "gate").glob("*.py")))


def _cached(product: Product, *, tooling: bool) -> tuple[Path, tuple[Accepted, ...]]:
    """Returns the assembly of a product and its acceptances, from the cache if they are there."""
    key = hashlib.sha256(f"{tooling} {product.model_dump_json()}".encode()).hexdigest()[:32]
    folder = _cache() / key
    ledger = folder / "accepted.pickle"
    with _alone(folder.with_suffix(".lock")):
        if not ledger.exists():
            shutil.rmtree(folder, ignore_errors=True)
            found = _synthesize(product, folder, tooling=tooling)
            ledger.write_bytes(pickle.dumps(found))
    found = pickle.loads(ledger.read_bytes())
    return folder, found


def _synthesize(product: Product, folder: Path, *, tooling: bool) -> tuple[Accepted, ...]:
    scope = cdk.App(context=CONTEXT, builtin_cloud_formation_validation=False, outdir=str(folder))
    with recording() as ledger:
        if tooling:
            add_product(scope, product)
        else:
            add_environments(scope, product)
    scope.synth()
    return accepted(ledger)


@cache
def _cache() -> Path:
    """Returns the folder for the present state of the sources; those of all other states are deleted."""
    state = hashlib.sha256(f"{sys.version} {version('aws-cdk-lib')} {version('constructs')}".encode())
    for path in (*_inputs(ROOT), *_INPUT):
        state.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    folder = _CACHE / state.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    for other in _CACHE.iterdir():
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _inputs(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if any(path.match(pattern) for pattern in (*_NOT_INPUT, *_NO_SOURCE)):
            continue
        if path.is_dir():
            yield from _inputs(path)
        else:
            yield path


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Keeps the other workers out, which would synthesize the same product."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


class Synthesis:
    """The stacks of a product, by name (`production-allthrive-services`)."""

    def __init__(self, product: Product, *, tooling: bool = True) -> None:
        self.product = product
        self.folder, self.accepted = _cached(product, tooling=tooling)
        """The cloud assembly, and the findings of the policy gate that the constructs accept."""
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
