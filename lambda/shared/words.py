"""Texts of strangers: a commit's subject, a branch, an author, a server's answer."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_DISCORD = re.compile(r"([\\\[\]<>*~`|#])")


def parsed(text: str | bytes) -> Any:
    """Returns what a JSON text holds.

    Raises:
        ValueError: if it is no JSON, or nested too deeply for Python, which may be meant to stop us.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deeply") from error


def one_line(text: str) -> str:
    """Returns a text that cannot look like a line of ours: no line ends, and nothing that turns or hides letters."""
    return " ".join("".join(" " if _unseen(letter) else letter for letter in text).split())


def as_code(text: str) -> str:
    """Returns a text as code in Markdown, where it mentions nobody, links nowhere and closes nothing."""
    clean = one_line(text.replace("`", "'").replace("|", "/"))
    return f"`{clean}`" if clean else ""


def for_slack(text: str) -> str:
    """Returns a text without Slack's links and mentions: docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def for_discord(text: str) -> str:
    """Returns a text without Discord's Markdown: a link must show where it leads.

    docs.discord.com/developers/reference#message-formatting; underscores stay, since addresses have them.
    """
    return _DISCORD.sub(r"\\\1", text)


def _unseen(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"}
