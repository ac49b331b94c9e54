"""The loader accepts any text as a manifest or reports what is wrong with it; it never crashes."""

from __future__ import annotations

import json
import string
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.products.test_secret_values import PASTED
from tests.support.manifests import ALLTHRIVE, complaints, manifest

MANY = settings(max_examples=40, deadline=None)
YAML_TEXT = st.text(alphabet=string.ascii_lowercase + string.digits + " \n\t:-?[]{}&*!|>'\"%@`#,.~<=", max_size=80)
SCALAR = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.dates() | st.binary(max_size=4)
)
VALUE = st.recursive(
    SCALAR,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(SCALAR, values, max_size=3),
    max_leaves=6,
)


def complaints_about(text: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        return complaints(Path(folder), text)


@MANY
@given(YAML_TEXT)
@example("a: 2025-13-45")
@example("2025-01-01: a")
@example("&a [*a]")
@example("a: &x [1]\nb: *x")
@example("? [a, b]\n: c")
@example("<<: 1")
@example("=: 1")
@example("a: .inf\nb: .nan")
@example("a: !!python/object:os.system x")
@example("a: !!timestamp x")
@example("a: !!binary é")
@example('a: "\\uD800"')
@example("a: " + "9" * 5000)
@example("---\na: 1\n---\nb: 2\n")
@example("\ufeffname: x")
@example("\x00")
@example("a: !!float ''")
@example("a: 1:99:99")
@example("a: 0b")
@example("%YAML 9.9\n---\n")
def test_any_text_that_is_not_a_manifest_is_reported(text: str) -> None:
    assert complaints_about(text)


@MANY
@given(start=st.integers(0, len(ALLTHRIVE)), length=st.integers(0, 30), replacement=YAML_TEXT)
def test_no_typing_error_crashes_the_loader(start: int, length: int, replacement: str) -> None:
    complaints_about(ALLTHRIVE[:start] + replacement + ALLTHRIVE[start + length :])


def paths(data: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [path, *(found for key, value in children for found in paths(value, (*path, key)))]


@MANY
@given(st.sampled_from([path for path in paths(manifest()) if path]), VALUE)
def test_no_value_of_any_key_crashes_the_loader(path: tuple[str | int, ...], value: Any) -> None:
    data: Any = manifest()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    complaints_about(yaml.safe_dump(data))


@MANY
@given(
    st.sampled_from([path for path in paths(manifest()) if path and isinstance(path[-1], str)]), st.text(max_size=12)
)
def test_no_name_of_any_key_crashes_the_loader(path: tuple[str | int, ...], name: str) -> None:
    data: Any = manifest()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[name] = place.pop(path[-1])
    complaints_about(json.dumps(data))


@MANY
@given(st.sampled_from([path for path in paths(manifest()) if path]), st.sampled_from(sorted(PASTED.values())))
def test_no_message_repeats_a_secret_at_any_key(path: tuple[str | int, ...], secret: str) -> None:
    data: Any = manifest()
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = secret
    assert secret not in "\n".join(complaints_about(yaml.safe_dump(data)))
