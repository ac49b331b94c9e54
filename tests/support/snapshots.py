"""Renders templates for review: sorted YAML without hashes and with functions in short form."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from paths import ROOT
from tests.support.synthesis import Json, shipped

FOLDER = ROOT / "tests" / "snapshots"
HEADER = "# Written by `make snapshots`. Hashes are left out: of assets, and at the end of logical ids.\n"
_WIDTH = 1_000_000  # lines are never folded: a changed word would move all following lines
_ASSET = re.compile(r"\b[0-9a-f]{64}\b")
_PACKED = re.compile(r"(?<=<<<')[A-Za-z0-9+/=]{1000,}(?=')")  # programs of builds, which the snapshot need not show
_TOKEN = re.compile(r"[A-Za-z0-9]+")
_HASHED = re.compile(r"(.*[A-Za-z0-9])[0-9A-F]{8}")
# Names of rules between security groups contain the other group's hash, before the port.
_INNER = re.compile(r"(?<=[a-z])(?=[0-9A-F]*[A-F])[0-9A-F]{8}(?=$|\d{1,5}$|IndirectPort$)")
_EXPORT = re.compile(r"(ExportsOutput(?:Ref|FnGetAtt))(.+)[0-9A-F]{8}")
_SHORT = {"Fn::Sub": "!Sub", "Fn::Join": "!Join", "Fn::Select": "!Select", "Fn::If": "!If", "Fn::Equals": "!Equals"} | {
    f"Fn::{name}": f"!{name}" for name in ("Not", "And", "Or", "ImportValue", "GetAZs", "Split", "FindInMap", "Base64")
}


def normalized(template: Json, ids: Mapping[str, str] | None = None) -> str:
    """Returns a template without hashes; `ids` are the logical ids to shorten."""
    kept = {
        section: value
        for section, value in template.items()
        if section != "Rules" or "CheckBootstrapVersion" not in value
    }
    if "Parameters" in kept:
        kept["Parameters"] = {
            name: parameter for name, parameter in kept["Parameters"].items() if name != "BootstrapVersion"
        }
    names = _Names(shortened([template]) if ids is None else ids)
    plain = names.value({name: section for name, section in kept.items() if section != {}})
    return HEADER + yaml.dump(plain, Dumper=_Dumper, width=_WIDTH, allow_unicode=True, sort_keys=False)


def expected(product: str) -> dict[Path, str]:
    """Returns the expected content of a product's folder, by path."""
    templates = shipped(product).templates
    ids = shortened(templates.values())
    return {FOLDER / product / f"{stack}.yaml": normalized(template, ids) for stack, template in templates.items()}


def shortened(templates: Iterable[Json]) -> dict[str, str]:
    """Returns logical ids without their hash, if they stay unique in their stack."""
    found: dict[str, str] = {}
    ambiguous: set[str] = set()
    for template in templates:
        by_short: dict[str, set[str]] = defaultdict(set)
        for logical_id in [*template.get("Resources", {}), *template.get("Parameters", {})]:
            hashed = _HASHED.fullmatch(logical_id)
            short = _INNER.sub("", hashed[1]) if hashed else logical_id
            by_short[short].add(logical_id)
            found[logical_id] = short
        ambiguous |= {logical_id for ids in by_short.values() if len(ids) > 1 for logical_id in ids}
    return found | {logical_id: logical_id for logical_id in ambiguous}


class _Tagged:
    """A function in short form: `!Ref Cluster`."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag = tag
        self.value = value


class _Names:
    """Renders values for review."""

    def __init__(self, ids: Mapping[str, str]) -> None:
        self._ids = ids

    def value(self, value: Any) -> Any:
        """Returns a value without hashes, and with functions in short form."""
        if isinstance(value, str):
            return self._json(self._text(value))
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            function = self._function(name, argument)
            if function is not None:
                return function
        kind = value.get("Type")
        first = "Type" if isinstance(kind, str) and "::" in kind else ""  # the type of a resource comes first
        names = sorted(value, key=lambda name: (name != first, str(name)))
        return {self._text(name): self.value(value[name]) for name in names}

    def _function(self, name: str, argument: Any) -> _Tagged | None:
        if name == "Ref":
            return _Tagged("!Ref", self._text(argument))
        if name == "Fn::GetAtt":
            return _Tagged("!GetAtt", self._text(".".join(argument) if isinstance(argument, list) else argument))
        if name == "Fn::Join" and argument[0] == "" and isinstance(argument[1], list):
            text = self._joined(argument[1])
            if text is not None:
                return _Tagged("!Sub", self._json(text))
        return _Tagged(_SHORT[name], self.value(argument)) if name in _SHORT else None

    def _joined(self, parts: list[Any]) -> str | None:
        """Returns the text for an equivalent `Fn::Sub`; None if there is none."""
        texts = []
        for part in parts:
            if isinstance(part, str):
                texts.append(part.replace("${", "${!"))
            elif isinstance(part, dict) and set(part) == {"Ref"}:
                texts.append(f"${{{part['Ref']}}}")
            elif isinstance(part, dict) and set(part) == {"Fn::GetAtt"}:
                texts.append(f"${{{'.'.join(part['Fn::GetAtt'])}}}")
            elif (
                isinstance(part, dict) and set(part) == {"Fn::ImportValue"} and isinstance(part["Fn::ImportValue"], str)
            ):
                texts.append(f"${{import {part['Fn::ImportValue']}}}")
            else:
                return None
        return self._text("".join(texts))

    def _text(self, text: str) -> str:
        return _TOKEN.sub(lambda match: self._token(match[0]), _ASSET.sub("<asset>", _PACKED.sub("<packed>", text)))

    def _token(self, token: str) -> str:
        if token in self._ids:
            return self._ids[token]
        export = _EXPORT.fullmatch(token)
        if export:
            whole = next((beginning for beginning in self._beginnings(export[2]) if beginning in self._ids), "")
            return f"{export[1]}{self._ids.get(whole, '')}{export[2][len(whole) :]}"
        hashed = _HASHED.fullmatch(token)
        # A hashed name in a description must have a lower-case letter; numbers and plain words are not hashed names.
        return (
            hashed[1]
            if hashed and not token.isdigit() and any(character.islower() for character in hashed[1])
            else token
        )

    def _beginnings(self, text: str) -> Iterable[str]:
        return (text[:length] for length in range(len(text), 0, -1))

    def _json(self, text: str) -> Any:
        """Returns a JSON document in a text as data, so that its lines can be compared."""
        if not text.startswith("{"):
            return text
        try:
            return _Tagged("!Json", json.loads(text))
        except ValueError:
            return text  # not JSON after all


class _Dumper(yaml.CSafeDumper):
    """The C implementation, because each test run writes a megabyte."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Returns True: repeated values are written out, without aliases."""
        return True


def _tagged(dumper: yaml.CSafeDumper, tagged: _Tagged) -> yaml.Node:
    if isinstance(tagged.value, str):
        return dumper.represent_scalar(tagged.tag, tagged.value)
    node = dumper.represent_data(tagged.value)
    if isinstance(tagged.value, _Tagged):
        return dumper.represent_mapping(tagged.tag, {tagged.value.tag: tagged.value.value})
    node.tag = tagged.tag
    return node


def _string(dumper: yaml.CSafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(_Tagged, _tagged)
_Dumper.add_representer(str, _string)
