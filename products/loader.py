"""Reads and validates a manifest. Its errors name the file, the line, the key, and what to write instead."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml._yaml import CParser
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from paths import MANIFESTS, ROOT
from products import checks, defaults
from products.base import EXAMPLES, FORMS
from products.errors import ManifestError, Problem, ProblemsError, nearest
from products.model import Product
from products.profiles import PROFILED, PROFILES
from products.repair import concerns, repaired
from products.secrets import looks_secret

EXAMPLE_FOLDER = "examples"


def load(name: str | None, folder: Path = MANIFESTS) -> Product:
    """Returns the product with this name, read from `folder/<name>.yaml` or `folder/examples/<name>.yaml`.

    Raises:
        ManifestError: if the manifest is missing or wrong; it lists every problem found.
    """
    known = product_names(folder)
    if not name:
        hint = f"write one of: {', '.join(known)}" if known else f"no manifest in {folder} yet; write the first"
        raise ManifestError("-c product=…", [Problem(f"missing; {hint}")])
    examples = example_names(folder)
    path = folder / EXAMPLE_FOLDER / f"{name}.yaml" if name in examples else folder / f"{name}.yaml"
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    if name not in known + examples:
        raise ManifestError(shown, [Problem(f"no such file{nearest(str(name), known + examples)}")])
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(shown, [Problem(f"cannot be read as UTF-8 text: {error}")]) from None
    data, lines = _parse(shown, text)
    completed = defaults.completed(data)
    lines.texts |= {path: lines.texts[source] for path, source in completed.sources.items() if source in lines.texts}
    try:
        product = _validated(completed.data)
    except (ValidationError, ProblemsError) as error:
        problems = [_traced(problem, completed, lines) for problem in _all_problems(completed.data, error, lines)]
        raise ManifestError(shown, list(dict.fromkeys(problems))) from None
    if product.name != name:
        message = f"got '{product.name}'; it must equal the file's name: write '{name}' or rename the file"
        raise ManifestError(shown, [Problem(message, "name", lines.get(("name",)))])
    return product


def product_names(folder: Path = MANIFESTS) -> list[str]:
    """Returns the names of the products that have a manifest, in alphabetical order."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def example_names(folder: Path = MANIFESTS) -> list[str]:
    """Returns the names of the products that only the demo deploys: no committed document or policy includes them."""
    return sorted({path.stem for path in (folder / EXAMPLE_FOLDER).glob("*.yaml")} - {*product_names(folder)})


def validated(data: object) -> Product:
    """Returns the product that a manifest's keys and values describe, with its defaults.

    Raises:
        ValidationError: if a key or a value is wrong.
        ProblemsError: if every key and value is valid, but some contradict each other.
    """
    return _validated(defaults.completed(data).data)


def _validated(data: object) -> Product:
    # Validated as JSON: for Python objects, strict mode refuses a list where a tuple is declared.
    product = Product.model_validate_json(json.dumps(data))
    if sentences := [*checks.problems(product)]:
        raise ProblemsError(sentences)
    return product


_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq"))

_DEEPEST = 20  # more than twice what a manifest needs, and far below Python's recursion limit, which tools change


class _Rules(Composer, SafeConstructor, Resolver):
    """Accepts the part of YAML that manifests need: no dates, no tags, and no aliases, which could be circular."""

    yaml_implicit_resolvers: dict[str, Any] = {  # noqa: RUF012 - PyYAML's stubs declare it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag in _TAGS]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    _depth = 0
    check_event: Any
    peek_event: Any

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.MarkedYAMLError(
                problem=f"replace the alias *{event.anchor} with its value", problem_mark=event.start_mark
            )
        if self._depth > _DEEPEST:
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem="nested too deeply for a manifest", problem_mark=mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag not in _TAGS:
            raise yaml.MarkedYAMLError(problem=f"remove the tag {node.tag}", problem_mark=node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:  # e.g. a number of 5000 digits, or `!!int x`
            raise yaml.MarkedYAMLError(problem=str(error), problem_mark=node.start_mark) from None


class _Quick(_Rules, CParser):
    """Reads with libyaml, in a third of the time."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)


class _Explaining(_Rules, yaml.SafeLoader):
    """Reads with PyYAML's own parser, whose errors say more than those of libyaml."""


class Lines(dict[tuple[str, ...], int]):
    """The line of every key of a manifest, by the key's path."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[tuple[str, ...], str] = {}
        """The text of each plain value in the file, without quotes."""


def _parse(shown: Path, text: str) -> tuple[Any, Lines]:
    duplicates: list[Problem] = []
    try:
        try:
            data, lines = _read(_Quick(text), duplicates)
        except yaml.YAMLError:
            duplicates.clear()
            data, lines = _read(_Explaining(text), duplicates)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = f"not YAML: {error.problem or error.context}"
        raise ManifestError(shown, [Problem(message, line=mark.line + 1 if mark else None)]) from None
    except yaml.YAMLError as error:
        raise ManifestError(shown, [Problem(f"not YAML: {error}")]) from None
    if duplicates:
        raise ManifestError(shown, duplicates)
    if not isinstance(data, dict):
        raise ManifestError(shown, [Problem("expected keys and values, e.g. `name: allthrive`")])
    return data, lines


def _read(loader: _Quick | _Explaining, duplicates: list[Problem]) -> tuple[Any, Lines]:
    """Returns the data and the line of every key. Appends keys that occur twice to `duplicates`."""
    node = loader.get_single_node()
    lines = _lines(node, duplicates) if node else Lines()
    return loader.construct_document(node) if node else None, lines


def _lines(node: yaml.Node, duplicates: list[Problem], path: tuple[str, ...] = ()) -> Lines:
    """Returns the line of every key, by the key's path. Appends keys that occur twice to `duplicates`."""
    found = Lines()
    found[path] = node.start_mark.line + 1
    children: list[tuple[str, yaml.Node, int]] = []
    if isinstance(node, yaml.MappingNode):
        children = [(str(key.value), value, key.start_mark.line + 1) for key, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(str(i), value, value.start_mark.line + 1) for i, value in enumerate(node.value)]
    else:
        found.texts[path] = str(node.value)
    for key, value, line in children:
        where = (*path, key)
        if where in found:
            message = f"duplicate key, first used in line {found[where]}; remove one of them"
            duplicates.append(Problem(message, ".".join(where), line))
        inner = _lines(value, duplicates, where)
        found |= {**inner, where: line}
        found.texts |= inner.texts
    return found


def _all_problems(data: object, error: ValidationError | ProblemsError, lines: Lines) -> list[Problem]:
    if isinstance(error, ProblemsError):
        return [_own(sentence, (), lines) for sentence in error.sentences]
    problems = [problem for details in error.errors() for problem in _problems(details, lines)]
    return [*problems, *_further(data, error, lines)]


def _traced(problem: Problem, completed: defaults.Completed, lines: Lines) -> Problem:
    """Returns a problem at the key that the manifest writes, or with the name of what set the value."""
    path = tuple(problem.key.split("."))
    for length in range(len(path), 0, -1):
        if source := completed.sources.get(path[:length]):
            where = (*source, *path[length:])
            return replace(problem, key=".".join(where), line=_line(where, lines))
        if note := completed.notes.get(path[:length]):
            return replace(problem, message=f"{problem.message} ({note})")
    return problem


def _further(data: Any, error: ValidationError, lines: Lines) -> list[Problem]:
    """Returns the problems that show only when every key and value is valid, and that no error has to do with."""
    repair = repaired(data, error.errors())
    if repair is None:
        return []
    try:
        _validated(repair[0])
    except ValidationError:
        return []
    except ProblemsError as contradictions:
        problems = [_own(sentence, (), lines) for sentence in contradictions.sentences]
        return [problem for problem in problems if not concerns(problem.key, repair[1])]
    return []


_NO_KEYS = ("[key]", *FORMS)  # what pydantic adds to the place of an error


def _problems(error: ErrorDetails, lines: Lines) -> list[Problem]:
    path = tuple(str(part) for part in error["loc"] if part not in _NO_KEYS)
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        sentences = cause.sentences if isinstance(cause, ProblemsError) else [str(cause)]
        return [_own(sentence, path, lines) for sentence in sentences]
    return [Problem(_message(error, path, lines), ".".join(path), _line(path, lines))]


def _own(sentence: str, path: tuple[str, ...], lines: Lines) -> Problem:
    key, _, message = sentence.partition(": ")
    where = (*path, *key.split("."))
    return Problem(message, ".".join(where), _line(where, lines))


def _line(path: tuple[str, ...], lines: Lines) -> int | None:
    """Returns the line of a key, or of the nearest one around it. A name may contain dots, as those of files do."""
    written = {".".join(key): line for key, line in lines.items()}
    while path and ".".join(path) not in written:
        path = path[:-1]
    return written.get(".".join(path))


_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "dict_type": "keys and values",
    "model_type": "keys and values",
    "tuple_type": "a list",
    "ip_v4_network": "the first address of a block and its size, e.g. 10.20.0.0/16",
}


def _message(error: ErrorDetails, path: tuple[str, ...], lines: Lines) -> str:
    got, kind = error["input"], error["type"]
    if kind == "missing":
        return f"missing{_instead_of(path)}{_its_keys(path)}"
    if kind == "extra_forbidden":
        if path[0] == "environments" and path[-1] == "frontend":
            return "all environments get the same files, built once; write frontend at the top of the manifest"
        return f"unknown key{nearest(path[-1], _keys(path[:-1]))}"
    if kind in _EXPECTED:
        keys = "" if kind == "string_type" else _its_keys(path)
        return f"expected {_EXPECTED[kind]}, got {_short(got)}{_instead(kind, got, path, lines)}{keys}"
    if kind == "string_pattern_mismatch":
        return f"got {_short(got)}; write it like {EXAMPLES[error['ctx']['pattern']]}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]}, got {_short(got)}"


def _instead_of(path: tuple[str, ...]) -> str:
    """Returns the other ways to set a missing key, or nothing."""
    if path[-1] in ("account", "region"):
        return "; write it here, or at the top of the manifest for all environments"
    if path[0] == "environments" and path[-1] in PROFILED:
        return f"; write it, or one of the profiles {', '.join(PROFILES)}"
    return ""


def _instead(kind: str, got: object, path: tuple[str, ...], lines: Lines) -> str:
    """Returns what to write instead of a value of the wrong type, or nothing."""
    if kind == "string_type" and isinstance(got, int | float | None):
        # Not `got`: YAML reads `yes` as true, and 0644 as 420.
        quoted = json.dumps(lines.texts.get(path, ""), ensure_ascii=False)
        return f"; put it in quotes: {quoted if path[-1].isdigit() else f'{path[-1]}: {quoted}'}"
    if kind == "tuple_type" and isinstance(got, str | int | float):
        return "; put it in brackets"
    return ""


def _its_keys(path: tuple[str, ...]) -> str:
    """Returns the keys that are allowed at a path, as the end of a message; nothing if it takes a plain value."""
    keys = _keys(path)
    return f"; its keys are: {', '.join(keys)}" if keys else ""


def _short(value: object) -> str:
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "keys and values"
    if kind := looks_secret(str(value)):
        return f"{kind}, not shown here; change it now if it was ever committed"
    text = json.dumps(value) if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - keeps the line readable


def _keys(path: tuple[str, ...]) -> list[str]:
    """Returns the keys that the model allows at a path."""
    model: Any = Product
    for part in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            model = _model_in(model)
            continue
        field = model.model_fields.get(part)
        model = _unwrap(field.annotation) if field else None
    return list(model.model_fields) if _is_model(model) else []


def _is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _unwrap(annotation: Any) -> Any:
    """Returns the model in an annotation such as `Image | None`, or a mapping as it is: its next key is a name."""
    if getattr(annotation, "__origin__", None) is dict:
        return annotation
    return _model_in(annotation)


def _model_in(annotation: Any) -> Any:
    """Returns the first model in an annotation, which may be a union or a mapping; None if there is none."""
    if _is_model(annotation):
        return annotation
    return next((model for argument in get_args(annotation) if (model := _model_in(argument))), None)
