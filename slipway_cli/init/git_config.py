"""Reads the repository's owner, name and branch from the files of git; git itself is not started."""

from __future__ import annotations

import re
from pathlib import Path

_REMOTE = re.compile(r'^[ \t]*\[remote "origin"\][ \t]*$((?:\n(?![ \t]*\[).*)*)', re.MULTILINE)
_GITHUB = re.compile(
    r"^(?:https?://(?:[^@/\s]*@)?github\.com/|(?:ssh://)?git@github\.com[:/])([A-Za-z0-9-]{1,39})/([A-Za-z0-9._-]{1,100})$"
)
_LARGEST = 256 * 1024


def repository(root: Path) -> tuple[str, str]:
    """Returns owner and name of the repository on GitHub that `origin` is; empty texts if that cannot be seen."""
    found = _REMOTE.search(_text(root / ".git" / "config"))
    url = re.search(r"^[ \t]*url[ \t]*=[ \t]*(\S+)[ \t]*$", found[1], re.MULTILINE) if found else None
    return parsed(url[1]) if url else ("", "")


def parsed(url: str) -> tuple[str, str]:
    """Returns owner and name of a repository on GitHub by its URL; empty texts for others."""
    found = _GITHUB.match(url.strip().removesuffix("/").removesuffix(".git"))
    return (found[1], found[2]) if found else ("", "")


def branch(root: Path) -> str:
    """Returns the branch that `origin` names as its main one; an empty text if that cannot be seen."""
    found = re.match(
        r"ref: refs/remotes/origin/([A-Za-z0-9._/-]{1,100})$",
        _text(root / ".git" / "refs" / "remotes" / "origin" / "HEAD").strip(),
    )
    return found[1] if found else ""


def _text(path: Path) -> str:
    try:
        inside = path.resolve().is_relative_to(path.parents[path.parts[::-1].index(".git")].resolve())
        if not inside or not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
