"""Path patterns: which is tried first, and which covers which."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products.paths import covers, is_everything, ordered, same

PATTERN = st.text(alphabet="ab/*?", max_size=5).map(lambda text: f"/{text}")
PATH = st.text(alphabet="abc/", max_size=6).map(lambda text: f"/{text}")


def matches(pattern: str, path: str) -> bool:
    """True if AWS's load balancer would match a path: `*` is any text, `?` any character."""
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), path) is not None


@pytest.mark.parametrize(
    ("patterns", "first"),
    [
        (["/*", "/static/*"], "/static/*"),
        (["/api/*", "/api/v2/*"], "/api/v2/*"),
        (["/*", "/*.txt"], "/*.txt"),
        (["/api/v?/*", "/api/v1/health"], "/api/v1/health"),
        (["/a*", "/a?*"], "/a?*"),
        (["/a*b*c", "/a*bc"], "/a*bc"),
        (["/?*", "/*a*"], "/*a*"),
        (["*", "/login"], "/login"),
    ],
)
def test_the_most_specific_pattern_is_tried_first(patterns: list[str], first: str) -> None:
    assert ordered(patterns)[0] == ordered(reversed(patterns))[0] == first


@given(st.lists(PATTERN, max_size=6))
def test_no_pattern_is_hidden_by_an_earlier_one(patterns: list[str]) -> None:
    tried = ordered({same(pattern) for pattern in patterns})

    assert [(early, late) for place, late in enumerate(tried) for early in tried[:place] if covers(early, late)] == []


@given(PATTERN, PATTERN, PATH)
def test_a_pattern_that_covers_another_matches_all_its_paths(wide: str, narrow: str, path: str) -> None:
    if covers(wide, narrow) and matches(narrow, path):
        assert matches(wide, path)


@given(PATTERN, PATH)
def test_equal_patterns_match_the_same_paths(pattern: str, path: str) -> None:
    assert matches(same(pattern), path) == matches(pattern, path)


@pytest.mark.parametrize(
    ("wide", "narrow", "covered"),
    [
        ("/media/*", "/media/*", True),
        ("/media/*", "/media/a/*.png", True),
        ("/media/*", "/media*", False),
        ("/media/*", "/media", False),
        ("/?*", "/*a", True),
        ("/a?", "/a*", False),
        ("/*", "*", True),
    ],
)
def test_covers(wide: str, narrow: str, covered: bool) -> None:
    assert covers(wide, narrow) is covered


def test_everything_may_be_written_with_and_without_a_slash() -> None:
    assert [pattern for pattern in ("/*", "*", "/**", "/?*", "/a*") if is_everything(pattern)] == ["/*", "*", "/**"]
