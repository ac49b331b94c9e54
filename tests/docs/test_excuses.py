"""Each `noqa` and `type: ignore` has its reason on the same line; otherwise nobody dares to remove it."""

from __future__ import annotations

import io
import re
import subprocess
import tokenize
from collections.abc import Iterator

import pytest

from paths import ROOT

_EXCUSE = re.compile(
    r"#\s*(noqa(: [A-Z]+[0-9]+(, ?[A-Z]+[0-9]+)*)?|type: ignore(\[[a-z, -]+\])?)(?P<rest>.*)$", re.MULTILINE
)
_REASON = re.compile(r"\s*([-#]\s+|\()\S+")


def without_reason(comment: str) -> bool:
    found = _EXCUSE.search(comment)
    return bool(found and not _REASON.match(found["rest"]))


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yields the comments of a source, without those in strings of source code."""
    if _EXCUSE.search(source):
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def test_every_excuse_has_its_reason() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [path for path in listed.splitlines() if not path.startswith("examples/")]

    found = [
        f"{path}:{number}: {comment}"
        for path in paths
        for number, comment in comments((ROOT / path).read_text(encoding="utf-8"))
        if without_reason(comment)
    ]

    assert paths
    assert found == []


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("x = 1  # noqa: F841", True),
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: F841 - kept for the debugger", False),
        ("x()  # type: ignore[misc]", True),
        ("x()  # type: ignore[misc]  # the stubs are wrong", False),
        ("x = 1", False),
    ],
)
def test_an_excuse_without_a_reason_is_found(line: str, bare: bool) -> None:
    assert without_reason(line) is bare
