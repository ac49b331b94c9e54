"""Glob patterns of trigger filters."""

from __future__ import annotations

import pytest

from localcloud.codepipeline import globs


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("main", "main", True),
        ("main", "maintenance", False),
        ("*.java", "Main.java", True),
        ("*.java", "src/Main.java", False),
        ("*.*", "a.b", True),
        ("*.*", "ab", False),
        ("*.{java,class}", "A.class", True),
        ("*.{java,class}", "A.kt", False),
        ("foo.?", "foo.c", True),
        ("foo.?", "foo.cc", False),
        ("feature/**", "feature/a/b", True),
        ("feature/*", "feature/a/b", False),
        ("feature/**", "feature", False),
        ("**", "anything/at/all", True),
        ("directory/**", "directory/a/b.txt", True),
        ("directory/*", "directory/b.txt", True),
        ("directory/*", "directory/a/b.txt", False),
        ("**/README.md", "docs/README.md", True),
        ("**/README.md", "README.md", False),
        ("common/**/*.js", "common/a/b/c.js", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("v[0-9]", "v7", True),
        ("v[!0-9]", "v7", False),
        ("v[0-9]", "v[", False),
        ("[*?]", "*", True),
        ("[-a]", "-", True),
        ("a?c", "a/c", False),
        ("[!a]", "/", False),
        ("release-v1,2", "release-v1,2", True),
        ("[b-a]", "a", False),
        ("{main", "{main", False),
        ("a+b(c)", "a+b(c)", True),
    ],
)
def test_a_pattern_matches_the_whole_name(pattern: str, name: str, expected: bool) -> None:
    assert globs.matches(pattern, name) is expected


def test_excludes_win_over_includes() -> None:
    criteria = {"includes": ["feature/**", "mainline"], "excludes": ["mainline"]}
    assert globs.any_included(["feature/x"], criteria)
    assert not globs.any_included(["mainline"], criteria)


def test_without_includes_everything_is_included() -> None:
    assert globs.any_included(["docs/a.md", "src/a.py"], {"excludes": ["**/*.md"]})
    assert not globs.any_included(["docs/a.md"], {"excludes": ["**/*.md"]})


def test_an_empty_list_of_names_never_matches() -> None:
    assert not globs.any_included([], {"includes": ["**"]})
