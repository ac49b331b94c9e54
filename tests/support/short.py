"""The short manifest, with an environment for each profile."""

from __future__ import annotations

from typing import Any

import yaml

from paths import ROOT
from products import Product
from products.loader import validated
from products.profiles import PROFILES

PATH = ROOT / "tests" / "products" / "cookiecutter-django.yaml"
TEXT = PATH.read_text(encoding="utf-8")


def short(**changes: Any) -> Product:
    """Returns the product of the short manifest, with other sections."""
    return validated({**yaml.load(TEXT, yaml.CSafeLoader), **changes})


def each_profile() -> Product:
    """Returns that product without pipelines, with an environment for each profile, which is named after it."""
    return short(pipeline=None, environments={name: {"profile": name} for name in PROFILES})
