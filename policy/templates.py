"""Reads the committed templates of the products, the snapshots: their logical ids have no hashes."""

from __future__ import annotations

from typing import Any

import yaml

from paths import ROOT

_SNAPSHOTS = ROOT / "tests" / "snapshots"


def templates(product: str) -> dict[str, dict[str, Any]]:
    """Returns the templates of a product by stack."""
    return {
        path.stem: yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - the safe loader, with CloudFormation's tags
        for path in sorted((_SNAPSHOTS / product).glob("*.yaml"))
    }


class _Loader(yaml.CSafeLoader):
    """Reads tags such as `!Ref` as CloudFormation does."""


def _function(loader: yaml.CSafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else node.value}


_Loader.add_multi_constructor("!", _function)
