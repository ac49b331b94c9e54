"""Values for variables with usual names, and the names that are secrets."""

from __future__ import annotations

import re

from products.secrets import is_secret_name, secret_kind

_DATABASE = r"(?:POSTGRES|POSTGRESQL|DATABASE|DB|PG|SQL|RDS)_?"
_REDIS = r"(?:REDIS|VALKEY|CACHE)_?"
_ADDRESSES = r"(?:CELERY_BROKER|BROKER|REDIS|VALKEY|CACHE|CELERY_REDIS|CHANNEL_LAYER|RQ|HUEY)"
# The variable's name without a framework's prefix, and its value; the first that matches.
_KNOWN: tuple[tuple[str, str], ...] = (
    (r"SECRET_KEY|SECRET_KEY_BASE", "${secret_key}"),
    (r"ALLOWED_HOSTS?", "${site.domain}"),
    (r"(?:CSRF_)?TRUSTED_ORIGINS|CORS_(?:ALLOWED_)?ORIGINS?(?:_WHITELIST)?|ALLOWED_ORIGINS", "${site.url}"),
    (r"(?:SITE|BASE|FRONTEND|PUBLIC|APP|BACKEND|WEB|HOST)_?(?:BASE_)?UR[LI]|SERVER_URL", "${site.url}"),
    (r"(?:SITE_|APP_|PUBLIC_)?DOMAIN(?:_NAME)?|SITE_NAME|VIRTUAL_HOST|SERVER_NAME", "${site.domain}"),
    (r"(?:DATABASE|POSTGRES|POSTGRESQL|DB|PG)_?(?:UR[LI]|DSN)", "${database.url}"),
    (_DATABASE + r"(?:HOST|HOSTNAME|SERVER|ENDPOINT)", "${database.host}"),
    (_DATABASE + r"PORT", "${database.port}"),
    (r"POSTGRES_DB|(?:POSTGRES|DATABASE|DB|PG|SQL|RDS)_?(?:NAME|DATABASE)", "${database.name}"),
    (_DATABASE + r"(?:USER|USERNAME|LOGIN)", "${database.user}"),
    (_DATABASE + r"(?:PASS|PASSWORD|PASSWD)", "${database.password}"),
    (r"(?:CELERY_)?RESULT_BACKEND(?:_URL)?", "${cache.url}/0?ssl_cert_reqs=required"),
    (_ADDRESSES + r"(?:_UR[LI]|_DSN|_LOCATION)", "${cache.url}"),
    (_REDIS + r"(?:HOST|HOSTNAME|ENDPOINT)", "${cache.host}"),
    (_REDIS + r"PORT", "${cache.port}"),
    (_REDIS + r"(?:PASSWORD|PASS|AUTH_TOKEN|TOKEN)", "${cache.token}"),
    (_REDIS + r"(?:SSL|TLS|USE_SSL|USE_TLS)", "true"),
    (r"(?:AWS_)?(?:S3_)?(?:STORAGE|MEDIA|UPLOADS?)?_?BUCKET(?:_NAME)?|AWS_STORAGE_BUCKET_NAME", "${media.bucket}"),
    (r"AWS_S3_CUSTOM_DOMAIN", "${site.domain}"),
    (r"AWS_(?:S3_)?(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)", ""),
    (r"AWS_(?:DEFAULT_)?REGION|AWS_S3_REGION_NAME|S3_REGION", "${region}"),
    (r"DEBUG", "false"),
    (r"ENVIRONMENT|APP_ENV|DEPLOY_ENV|STAGE|SENTRY_ENVIRONMENT", "${environment}"),
    (r"NODE_ENV|RAILS_ENV|RACK_ENV", "production"),
    (r"ADMIN_URL", "admin/"),
    (r"SENTRY_DSN", ""),
)
_PREFIX = re.compile(r"^(DJANGO|FLASK|APP)_(?=.*_)|^DJANGO_")
_PATTERNS = tuple((re.compile(pattern), value) for pattern, value in _KNOWN)
_MORE_SECRET = re.compile(
    r"(^|_)(PASS|PWD|PASSPHRASE|WEBHOOK(_URL)?|SALT|AUTH|API|LICENSE)(_?KEY)?$|_KEY$", re.IGNORECASE
)
_PUBLIC_KEY = re.compile(r"(PUBLIC|PUBLISHABLE|SITE|CACHE|SORT|PRIMARY|PARTITION)_?KEY$", re.IGNORECASE)
_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
STAND_IN = "change-me"
"""The value of a variable that the product needs, and that nothing in the checkout tells."""
_STAND_INS = {
    "bool": "false",
    "int": "0",
    "float": "0",
    "list": "",
    "json": "{}",
    "url": "https://example.org",
}


def is_name(name: str) -> bool:
    """True if a text can be the name of an environment variable."""
    return bool(_NAME.match(name)) and len(name) <= 128  # noqa: PLR2004 - longer ones are no names in earnest


def value(name: str) -> str | None:
    """Returns the value of a variable with a usual name, in the manifest's syntax; None for others."""
    for shorter in dict.fromkeys((name, _PREFIX.sub("", name))):
        for pattern, found in _PATTERNS:
            if pattern.fullmatch(shorter):
                return found
    return None


def part(text: str) -> str:
    """Returns the part of a product that a value refers to: database, cache or media; else an empty text."""
    found = re.search(r"\$\{(database|cache|media)\.", text)
    return found[1] if found else ""


def is_secret(name: str, text: str | None = None) -> bool:
    """True if a variable's name, or its value, suggests that it is secret. In doubt it is."""
    if is_secret_name(name) or (_MORE_SECRET.search(name) and not _PUBLIC_KEY.search(name)):
        return True
    return bool(text and secret_kind(name, text))


def stand_in(kind: str) -> str:
    """Returns a value of a kind that a program can read."""
    return _STAND_INS.get(kind, STAND_IN)


def escaped(text: str) -> str:
    """Returns a text as the manifest writes it: `${` begins a reference there."""
    return re.sub(r"(\$+)(?=\{)", lambda run: run[0] * 2, text)
