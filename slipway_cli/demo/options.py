"""A product's additions to its demo: the file `slipway-demo.yaml` of its repository, which only the demo reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from products.base import Model
from slipway_cli.errors import usage
from slipway_cli.typed import again, shown

NAME = "slipway-demo.yaml"


class Options(Model):
    """The keys of the file; each may be missing."""

    build_args: dict[str, str] = Field(default_factory=dict)
    """Arguments of image builds that differ on this machine, in addition to those of the manifest."""
    seeds: tuple[str, ...] = ()
    """Commands that write test data. They run after each release: in one task of the migration's definition, or in the
    container of the migration's service on the first host."""
    check: tuple[str, ...] = ()
    """A command on this machine, in the product's folder, that uses the site as a visitor does. `URL` is its address,
    `ENVIRONMENT` the environment's name. An exit code other than 0 fails the demo."""


def read(source: Path) -> Options:
    """Returns the options of a checkout, empty if it has no such file.

    Raises:
        CommandError: if the file is invalid; with each wrong key.
    """
    path = source / NAME
    if not path.is_file():
        return Options()
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        return Options.model_validate(_frozen(found))
    except yaml.YAMLError as error:
        raise usage(f"{shown(path)} is not YAML: {error}", again()) from None
    except ValidationError as error:
        wrong = "\n".join(f"  {'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors())
        raise usage(f"{shown(path)} is invalid:\n{wrong}", again()) from None


def _frozen(value: Any) -> Any:
    """Returns a document with its lists as tuples, as the model has them."""
    if isinstance(value, dict):
        return {key: _frozen(element) for key, element in value.items()}
    return tuple(_frozen(element) for element in value) if isinstance(value, list) else value
