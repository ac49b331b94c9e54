"""Reads the variables that ECS gives a container. Pure functions: a mapping in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from django.core.exceptions import ImproperlyConfigured

Environment = Mapping[str, str]


def required(environment: Environment, name: str) -> str:
    """Return a variable the product cannot run without."""
    value = environment.get(name)
    if not value:
        raise ImproperlyConfigured(f"set {name}")
    return value


def flag(environment: Environment, name: str, *, default: bool) -> bool:
    """Return a variable that says yes or no; a third answer is a mistake, not a no."""
    value = environment.get(name, str(default)).lower()
    if value not in {"true", "false"}:
        raise ImproperlyConfigured(f"{name} is 'true' or 'false', got {value!r}")
    return value == "true"


# A new connection with TLS costs both sides more than most requests. Each container has that many; all of them, and
# those of a deployment's other half, must stay below max_connections of the database.
POOL = {"min_size": 2, "max_size": 8, "timeout": 5}


def database(environment: Environment) -> dict[str, Any]:
    """Turn DATABASE_URL into Django's settings; its query is what libpq calls parameters, such as sslmode."""
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
        "CONN_HEALTH_CHECKS": True,  # a connection that a restart of the database broke is not handed out
        "OPTIONS": {
            "connect_timeout": 3,
            **({"pool": POOL} if flag(environment, "DATABASE_POOL", default=False) else {}),
            # Every later query waits behind a migration that waits for a lock: better that it fails and is run again.
            "options": "-c lock_timeout=2s",
            **dict(parse_qsl(url.query)),
        },
    }


def redis_url(environment: Environment, database_number: int = 0) -> str:
    """Return the address that Celery, the channel layer and the cache all understand."""
    host = environment.get("REDIS_HOST", "localhost")
    # A Redis beside the tests has no certificate.
    tls = flag(environment, "REDIS_TLS", default=host not in {"localhost", "127.0.0.1"})
    token = environment.get("REDIS_AUTH_TOKEN", "")
    login = f":{quote(token, safe='')}@" if token else ""
    place = f"{login}{host}:{environment.get('REDIS_PORT', '6379')}/{database_number}"
    return f"rediss://{place}?{urlencode(_redis_verification(environment))}" if tls else f"redis://{place}"


def _redis_verification(environment: Environment) -> dict[str, str]:
    if not flag(environment, "REDIS_TLS_VERIFY", default=True):
        return {"ssl_cert_reqs": "none"}
    ca_file = environment.get("REDIS_CA_FILE")
    return {"ssl_cert_reqs": "required"} | ({"ssl_ca_certs": ca_file} if ca_file else {})


def image_digest(image: str) -> str | None:
    """Return the digest of an image URI; none if it names a tag, which says nothing about its content."""
    return image.partition("@")[2] or None
