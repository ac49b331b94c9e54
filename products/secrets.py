"""Finds secret values that were pasted into a manifest, where only names belong."""

from __future__ import annotations

import math
import re
from collections import Counter

_KNOWN = (
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("an AWS secret key", re.compile(r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/]{40}$")),
    ("a GitHub token", re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a Slack token or webhook", re.compile(r"\bxox[abpr]-|hooks\.slack\.com/services/")),
    ("a payment or AI service's key", re.compile(r"\bsk[-_](live|test|proj|ant)?[-_]?[A-Za-z0-9]{16,}")),
    ("an address with a password in it", re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@")),
)
# Only the end of a name counts: PASSWORD names a secret, PASSWORD_RESET_TIMEOUT a number of seconds.
_SECRET_NAME = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET|ENCRYPTION|SIGNING)_?KEY)S?$", re.IGNORECASE
)
_WORD = re.compile(r"[^\s'\"`,;()]+")
_ENTROPY_LENGTH = 24  # the entropy of shorter words says nothing about them
_ENTROPY_BITS = 4.2  # per character: hexadecimal and prose have less, base64 of random bytes has more


def looks_secret(value: str) -> str | None:
    """Returns the kind of secret that a value looks like, or None."""
    for kind, pattern in _KNOWN:
        if pattern.search(value):
            return kind
    if any(_is_random(part) for part in value.split("/")):  # a long path as a whole has high entropy, its parts do not
        return "a random value"
    return None


def hidden(text: str) -> str:
    """Returns a text with every value that looks secret replaced."""
    text = _WORD.sub(_unless_secret, text)
    for kind, pattern in _KNOWN:  # catches a private key, whose first line contains spaces
        text = pattern.sub(f"({kind}, not shown here)", text)
    return text


def _unless_secret(found: re.Match[str]) -> str:
    kind = looks_secret(found[0])
    return f"({kind}, not shown here)" if kind else found[0]


def _is_random(text: str) -> bool:
    total = len(text)
    if total < _ENTROPY_LENGTH or not re.fullmatch(r"[A-Za-z0-9+=_\-!@#$%^&*()]+", text):
        return False
    bits = -sum(count / total * math.log2(count / total) for count in Counter(text).values())
    return bits > _ENTROPY_BITS and any(character.isdigit() for character in text)


def is_secret_name(variable: str) -> bool:
    """True if a variable's name suggests that its value is secret."""
    return bool(_SECRET_NAME.search(variable))
