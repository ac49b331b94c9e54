"""Makes text from outside safe to parse and to show: commit subjects, branch names, authors, answers of servers."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_DISCORD = re.compile(r"([\\\[\]<>*~`|#])")


def parsed(text: str | bytes) -> Any:
    """Returns the value of a JSON text.

    Raises:
        ValueError: if it is not JSON, or is nested too deeply for Python's parser, as an attacker may write it.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def one_line(text: str) -> str:
    """Returns a text on one line, without characters that hide or reorder others: it cannot imitate our lines."""
    return " ".join("".join(" " if _invisible(letter) else letter for letter in text).split())


def as_code(text: str) -> str:
    """Returns a text as a code span in Markdown, in which it mentions nobody, links nowhere and closes no issue."""
    clean = one_line(text.replace("`", "'").replace("|", "/"))
    return f"`{clean}`" if clean else ""


def for_slack(text: str) -> str:
    """Returns a text in which Slack finds no links or mentions: docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def for_discord(text: str) -> str:
    """Returns a text without Discord's Markdown, so that every link shows its real address.

    docs.discord.com/developers/reference#message-formatting; underscores stay, since URLs contain them.
    """
    return _DISCORD.sub(r"\\\1", text)


def _invisible(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"}
