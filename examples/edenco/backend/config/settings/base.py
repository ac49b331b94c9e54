"""Settings of every environment, and of development as they are."""

import ssl
from pathlib import Path
from urllib.parse import quote

import environ

BASE_DIR = Path(__file__).resolve().parents[2]
env = environ.Env()

ENVIRONMENT = "development"
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "for development only; staging and production must set theirs")

# What runs, as the deployment says. Without a deployment it is the version of the source.
RELEASE_VERSION = env.str("RELEASE_VERSION", "")
RELEASE_IMAGE = env.str("RELEASE_IMAGE", "")

# The proxy asks for the health page as `backend`, and the container's own check as `localhost`.
ALLOWED_HOSTS = [*env.list("ALLOWED_HOSTS", default=[]), "backend", "localhost", "127.0.0.1"]
# nginx is the only client, and overwrites this header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
# Whoever ends TLS in front of the proxy redirects to HTTPS and sends Strict-Transport-Security.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "plants",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# One URL, or its parts. The host is by default the service of the compose files.
_database = "postgresql://{user}:{password}@{host}:{port}/{name}".format(
    user=quote(env.str("DB_USER", "edenco"), safe=""),
    password=quote(env.str("DB_PASSWORD", ""), safe=""),
    host=env.str("DB_HOST", "db"),
    port=env.int("DB_PORT", 5432),
    name=env.str("DB_NAME", "edenco"),
)
DATABASES = {"default": env.db("DATABASE_URL", default=_database)}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

_password = env.str("REDIS_PASSWORD", "")
REDIS_URL = env.str(
    "REDIS_URL",
    "redis://{login}{host}:{port}/0".format(
        login=f":{quote(_password, safe='')}@" if _password else "",
        host=env.str("REDIS_HOST", "redis"),
        port=env.int("REDIS_PORT", 6379),
    ),
)
CELERY_BROKER_URL = CELERY_RESULT_BACKEND = REDIS_URL
REDIS_TLS_VERIFY = env.bool("REDIS_TLS_VERIFY", True)
if REDIS_URL.startswith("rediss:"):
    _verify = ssl.CERT_REQUIRED if REDIS_TLS_VERIFY else ssl.CERT_NONE
    CELERY_BROKER_USE_SSL = CELERY_REDIS_BACKEND_USE_SSL = {"ssl_cert_reqs": _verify}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_TIME_LIMIT = 30
# A host's containers see all of its processors; Celery would start one process for each.
CELERY_WORKER_CONCURRENCY = 2

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
