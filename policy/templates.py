"""Reads templates: the committed ones, whose logical ids have no hashes, or those of a synthesized assembly."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from paths import ROOT

Templates = dict[str, dict[str, Any]]
Read = Callable[[str], Templates]
"""Returns the templates of the product with a name, by stack."""
_SNAPSHOTS = ROOT / "tests" / "snapshots"


def templates(product: str) -> Templates:
    """Returns the committed templates of a product by stack, empty if it has none."""
    return {
        path.stem: yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - the safe loader, with CloudFormation's tags
        for path in sorted((_SNAPSHOTS / product).glob("*.yaml"))
    }


def assembled(folder: Path) -> Templates:
    """Returns the templates of a synthesized assembly by stack, with functions written as in the committed ones."""
    found: Templates = {}
    for listed in sorted(folder.rglob("manifest.json")):
        artifacts = json.loads(listed.read_text(encoding="utf-8")).get("artifacts", {})
        for name, artifact in artifacts.items():
            if artifact["type"] == "aws:cloudformation:stack":
                properties = artifact["properties"]
                template = (listed.parent / properties["templateFile"]).read_text(encoding="utf-8")
                found[properties.get("stackName", name)] = _short(json.loads(template))
    return {name: _sorted(template) for name, template in sorted(found.items())}  # as the committed ones


def _sorted(value: Any) -> Any:
    """Returns a value whose dictionaries are sorted, so that the same templates lead to the same text of a policy."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(element) for element in value] if isinstance(value, list) else value


def _short(value: Any) -> Any:
    """Returns a value with `{"Fn::GetAtt": ["A", "Arn"]}` as `{"GetAtt": "A.Arn"}`, and likewise other functions."""
    if isinstance(value, list):
        return [_short(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Fn::GetAtt" and isinstance(argument, list):
            return {"GetAtt": ".".join(argument)}
        if name.startswith("Fn::"):
            return {name.removeprefix("Fn::"): _short(argument)}
    return {key: _short(element) for key, element in value.items()}


class _Loader(yaml.CSafeLoader):
    """Reads tags such as `!Ref` as CloudFormation does."""


def _function(loader: yaml.CSafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else node.value}


_Loader.add_multi_constructor("!", _function)
