"""Finds secret values that were pasted into a manifest, where only names belong."""

from __future__ import annotations

import math
import re
from collections import Counter

REFERENCE = "\ue000"
"""Stands for a reference in the texts that this module examines: a character that Unicode leaves to applications."""

# Nobody publishes one of these.
_NEVER_PUBLIC = (
    ("an AWS access key", re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("a GitHub token", re.compile(r"\b(gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,})")),
    ("a private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("a Slack token or webhook", re.compile(r"\bxox[abpr]-|hooks\.slack\.com/services/")),
    ("a payment or AI service's key", re.compile(r"\b[sr]k[-_](live|test|proj|ant)?[-_]?[A-Za-z0-9]{16,}")),
    ("a mail service's key", re.compile(r"\bSG\.[\w-]{16,}\.[\w-]{16,}")),
)
_KNOWN = (
    *_NEVER_PUBLIC,
    ("an AWS secret key", re.compile(r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9+/]{40}$")),
    # A reference in place of the password is none.
    (
        "an address with a password in it",
        re.compile(rf"\b[a-z][a-z0-9+.-]*://[^/\s:@]*:(?!{REFERENCE}@)[^/\s@]+@"),
    ),
    ("a signed token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}")),
)
# Only the end of a name counts: PASSWORD names a secret, PASSWORD_RESET_TIMEOUT a number of seconds.
_SECRET_NAME = re.compile(
    r"(SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIALS?|(API|ACCESS|PRIVATE|SECRET|ENCRYPTION|SIGNING)_?KEY)S?$", re.IGNORECASE
)
# Values that services publish, each with its source. Mapbox's public tokens contain a signed token.
_PUBLIC = (
    re.compile(r"pk_(live|test)_[A-Za-z0-9]{10,}"),  # docs.stripe.com/keys: publishable keys; Clerk's too
    re.compile(r"phc_[A-Za-z0-9]{20,}"),  # posthog.com/docs: project API key, "safe to expose"
    re.compile(r"pk\.eyJ[\w-]+\.[\w-]+"),  # docs.mapbox.com/accounts/guides/tokens: public tokens
    re.compile(r"sb_publishable_[\w-]{20,}"),  # supabase.com/docs/guides/api/api-keys
    re.compile(r"pub[0-9a-f]{32}"),  # docs.datadoghq.com: client tokens
    re.compile(r"https://[0-9a-f]{32}@[\w.-]+/\d+"),  # docs.sentry.io: a DSN without its deprecated secret part
    re.compile(r"B[A-Za-z0-9_-]{86}=?"),  # RFC 8292: a VAPID public key, 65 bytes that begin with 0x04
)
# A Google key is the same text for a browser and for a server, and reCAPTCHA's site key has the form of its secret
# key: the name tells them apart.
_PUBLIC_NAME = re.compile(
    r"(^|_)((PUBLIC|PUBLISHABLE|SITE|BROWSER|ANON|SEARCH_ONLY)_?(API_?)?(KEY|TOKEN)|ALGOLIA_SEARCH_(API_)?KEY"
    r"|(MAPS|MAP)_(JS_|JAVASCRIPT_)?(API_)?KEY|FIREBASE_(WEB_)?API_KEY|CLIENT_ID|MEASUREMENT_ID)$",
    re.IGNORECASE,
)
# Values that no secret has, whatever the variable's name.
_HARMLESS = (
    re.compile(r"true|false|yes|no|on|off|none|null|enabled?|disabled?", re.IGNORECASE),
    re.compile(r"[-+]?\d+([.,:]\d+)*( ?(ms|s|m|h|d|w|min|sec|seconds?|minutes?|hours?|days?|weeks?|%|[kMG]i?B))?"),
    re.compile(r"P(\d+[YMWD])*(T(\d+[HMS])+)?"),  # a duration of ISO 8601, e.g. PT5M
    re.compile(r"https?://[^\s@]*"),
    re.compile(r"(~|\.{1,2})?/[\w./-]*"),
    re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+"),  # a module or a class in Python
    re.compile(r"arn:aws[\w-]*:\S+"),
)
_WORD = re.compile(r"[^\s'\"`,;()]+")
_SEPARATOR = re.compile(rf"[/:,;?&.{REFERENCE}]")
_ENTROPY_LENGTH = 24  # the entropy of shorter words says nothing about them
_ENTROPY_BITS = 4.2  # per character: hexadecimal and prose have less, base64 of random bytes has more


def looks_secret(value: str) -> str | None:
    """Returns the kind of secret that a value looks like, or None."""
    if any(pattern.fullmatch(value) for pattern in _PUBLIC):
        return None
    for kind, pattern in _KNOWN:
        if pattern.search(value):
            return kind
    # A long path as a whole has high entropy, its parts do not.
    if any(_is_random(part) for part in _SEPARATOR.split(value)):
        return "a random value"
    return None


def secret_kind(variable: str, value: str) -> str | None:
    """Returns the kind of secret that a variable's value looks like by its name and its text, or None."""
    kind = looks_secret(value)
    if kind and not (_PUBLIC_NAME.search(variable) and never_public(value) is None):
        return kind
    named = is_secret_name(variable)
    harmless = any(pattern.fullmatch(value) for pattern in (*_HARMLESS, *_PUBLIC))
    return "a secret, by its name" if named and value.strip(REFERENCE) and not harmless else None


def is_secret_name(variable: str) -> bool:
    """True if a variable's name suggests that its value is secret, and not a key that its service publishes."""
    return bool(_SECRET_NAME.search(variable) and not _PUBLIC_NAME.search(variable))


def never_public(value: str) -> str | None:
    """Returns the kind of secret that a value looks like, if nobody publishes such a value; otherwise None."""
    return next((kind for kind, pattern in _NEVER_PUBLIC if pattern.search(value)), None)


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
