"""Converts the environment variables of a container into values for the settings. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

Environment = Mapping[str, str]


def required(environment: Environment, name: str) -> str:
    """Return a variable that must be set."""
    value = environment.get(name)
    if not value:
        raise ImproperlyConfigured(f"set {name}")
    return value


def flag(environment: Environment, name: str, *, default: bool) -> bool:
    """Return a variable that is `true` or `false`; any other value is an error, not false."""
    value = environment.get(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} is 'true' or 'false', got {value!r}")
    return value == "true"


# Opening a connection with TLS costs more than most requests. Each container has a pool of this size; the pools of all
# containers, also of both releases during a deployment, must stay below max_connections of the database.
POOL = {"min_size": 2, "max_size": 8, "timeout": 5}


def database(environment: Environment) -> dict[str, Any]:
    """Convert DATABASE_URL into Django's settings; its query holds parameters of libpq, such as sslmode."""
    url = urlsplit(required(environment, "DATABASE_URL"))
    if url.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured("DATABASE_URL starts with postgresql://")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": url.hostname or "",
        "PORT": url.port or 5432,
        "NAME": unquote(url.path.removeprefix("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "CONN_HEALTH_CHECKS": True,  # a connection that broke when the database restarted is not used
        "OPTIONS": {
            "connect_timeout": 3,
            **({"pool": POOL} if flag(environment, "DATABASE_POOL", default=False) else {}),
            # All later queries queue behind a migration that waits for a lock, so it should rather fail and be retried.
            "options": "-c lock_timeout=2s",
            **dict(parse_qsl(url.query)),
        },
    }


def redis_url(environment: Environment, database_number: int = 0) -> str:
    """Return the URL of Redis, in a form that Celery, the channel layer and the cache understand."""
    host = environment.get("REDIS_HOST", "localhost")
    # The Redis of the tests has no certificate.
    tls = flag(environment, "REDIS_TLS", default=host not in {"localhost", "127.0.0.1"})
    token = environment.get("REDIS_AUTH_TOKEN", "")
    login = f":{quote(token, safe='')}@" if token else ""
    address = f"{login}{host}:{environment.get('REDIS_PORT', '6379')}/{database_number}"
    return f"rediss://{address}?{urlencode(_redis_verification(environment))}" if tls else f"redis://{address}"


def _redis_verification(environment: Environment) -> dict[str, str]:
    if not flag(environment, "REDIS_TLS_VERIFY", default=True):
        return {"ssl_cert_reqs": "none"}
    ca_file = environment.get("REDIS_CA_FILE")
    return {"ssl_cert_reqs": "required"} | ({"ssl_ca_certs": ca_file} if ca_file else {})


def image_digest(image: str) -> str | None:
    """Return the digest in an image URI, or None if it has only a tag, which does not identify the content."""
    return image.partition("@")[2] or None
