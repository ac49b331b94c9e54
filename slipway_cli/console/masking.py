"""Masks text that looks like a key. CodeBuild itself masks only the secrets that it knows."""

from __future__ import annotations

import re

MASK = "***"
_KEYS = re.compile(
    r"""
      \b(?:AKIA|ASIA)[A-Z0-9]{16}\b                            # access keys of AWS
    | \bgh[pousr]_[A-Za-z0-9]{20,}                             # tokens of GitHub
    | \bgithub_pat_\w{20,}
    | \beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*                      # signed tokens
    | -----BEGIN[ ][A-Z ]*PRIVATE[ ]KEY-----[\s\S]*?(?:-----END[ ][A-Z ]*PRIVATE[ ]KEY-----|\Z)
    | (?<=://)[^\s/@:]*:[^\s/@]+(?=@)                          # user and password of an address
    | (?i:(?<=x-amz-signature=)|(?<=x-amz-security-token=)|(?<=x-amz-credential=))[^&\s"']+
    | (?i:\b\w*(?:password|passwd|secret|secret_?access_?key|session_?token|api_?key)(?:\s*=\s*|["']\s*:\s*))
      (?P<value>(?:"[^"\n]{3,}"|'[^'\n]{3,}'|[^\s"',;]{3,}))
    """,
    re.VERBOSE,
)


def masked(text: str) -> str:
    """Returns a text with its keys masked."""
    return _KEYS.sub(_replaced, text)


def _replaced(found: re.Match[str]) -> str:
    value = found["value"]
    return found[0][: len(found[0]) - len(value)] + MASK if value else MASK
