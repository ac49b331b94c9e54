"""Finds the reference that a user meant by another name, such as `REDIS_AUTH_TOKEN` for `cache.token`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

# The words with which frameworks and other platforms name the parts of a product and their attributes.
_PARTS = {
    "database": ("database", "db", "postgres", "postgresql", "pg", "rds", "sql"),
    "cache": ("cache", "redis", "valkey", "elasticache", "broker", "celery"),
    "media": ("media", "s3", "storage", "bucket", "uploads"),
    "site": ("site", "domain", "allowed", "base", "public", "app"),
    "release": ("release", "version", "commit", "git"),
}
_ATTRIBUTES = {
    "url": ("url", "uri", "dsn", "address"),
    "host": ("host", "hostname", "endpoint", "server"),
    "port": ("port",),
    "name": ("name", "db", "dbname", "database"),
    "user": ("user", "username", "login"),
    "password": ("password", "pass", "passwd", "pwd"),
    "token": ("token", "auth", "password", "pass", "passwd", "pwd"),
    "bucket": ("bucket", "name"),
    "domain": ("domain", "host", "hosts", "hostname", "name"),
    "version": ("version", "tag"),
    "image": ("image", "digest"),
}
_WHOLE = {
    "secret": "secret_key",
    "django_secret_key": "secret_key",
    "env": "environment",
    "stage": "environment",
    "aws_region": "region",
    "aws_default_region": "region",
    "aws_s3_region_name": "region",
}
# A ratio of difflib: `databse` has 0.93 with `database`, but `redis` has 0.75 with `rds`.
_CLOSE = 0.8


def nearest_reference(name: str, known: Sequence[str]) -> str | None:
    """Returns the known reference that an unknown name most likely means, or None."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower().partition(":")[0]) if word]
    joined = "_".join(words)
    if joined in _WHOLE:
        return _WHOLE[joined]
    plain = {re.sub(r"[^a-z0-9]+", "_", reference): reference for reference in known}
    if joined in plain:
        return plain[joined]
    if joined in _PARTS:
        return None  # `${database}` names a part: each of its attributes is as near as the others
    meant = next((reference for reference in _by_words(words) if reference in known), None)
    if meant:
        return meant
    close = _close(joined, plain)
    return plain[close] if close else None


def _by_words(words: Sequence[str]) -> Iterator[str]:
    """Yields the references whose attribute is the last word, and whose part is one of the words before."""
    if len(words) < 2:  # noqa: PLR2004 - a part and an attribute
        return
    for part, part_words in _PARTS.items():
        if not any(_close(word, part_words) for word in words[:-1]):
            continue
        for attribute, attribute_words in _ATTRIBUTES.items():
            if _close(words[-1], attribute_words):
                yield f"{part}.{attribute}"


def _close(word: str, known: Iterable[str]) -> str | None:
    return next(iter(get_close_matches(word, list(known), n=1, cutoff=_CLOSE)), None)
