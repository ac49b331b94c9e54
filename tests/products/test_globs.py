"""Patterns of branches and tags, beside the local cloud's own reading of the same documentation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.codepipeline import globs
from products.globs import matches

LETTERS = st.text("ab/*?[]!-{},\\", max_size=8)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature/a/b", True),
        ("m?in", "main", True),
        ("m?in", "m/in", False),
        ("*", "a/b", False),
        ("ma.n", "main", False),
        ("{main,next}", "next", True),
        ("v[0-9]", "v7", True),
        ("v[!0-9]", "v7", False),
        ("a?c", "a/c", False),
        ("[b-a]", "a", False),
        ("{main", "{main", False),
        ("a+b(c)", "a+b(c)", True),
    ],
)
def test_a_pattern_matches_the_whole_name(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name) is expected


@given(LETTERS, LETTERS)
def test_the_local_cloud_agrees(pattern: str, name: str) -> None:
    assert matches(pattern, name) is globs.matches(pattern, name)


@given(st.text("ab/", min_size=1, max_size=8))
def test_two_stars_match_every_branch(branch: str) -> None:
    assert matches("**", branch)
