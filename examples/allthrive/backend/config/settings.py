"""Settings: everything that differs between environments comes from variables, everything else is here."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from config import environment

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = environment.required(os.environ, "SECRET_KEY")
DEBUG = environment.flag(os.environ, "DEBUG", default=False)

RELEASE_VERSION = os.environ.get("RELEASE_VERSION", "dev")
RELEASE_IMAGE_DIGEST = environment.image_digest(os.environ.get("RELEASE_IMAGE", ""))

# Any host by default: only the internal load balancer reaches a container, and its health check calls by IP address.
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")

# The load balancer speaks HTTP and overwrites X-Forwarded-Proto; this header is CloudFront's own and passes through it.
SECURE_PROXY_SSL_HEADER = ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")
# CloudFront redirects to HTTPS, so nobody arrives here who still has to be.
SECURE_SSL_REDIRECT = environment.flag(os.environ, "SECURE_SSL_REDIRECT", default=False)
# It also sends Strict-Transport-Security, so Django need not warn that nobody here does either.
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008"]
SECURE_REDIRECT_EXEMPT = [r"^api/v1/health/$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "api",
    "catalog",
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

TEMPLATES: list[dict[str, Any]] = [
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
ASGI_APPLICATION = "config.asgi.application"
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": environment.database(os.environ)}
# A migration that meets a table in use gives up after lock_timeout (environment.py) and comes back after a pause, which
# must be the longer of the two: readers queue up behind one that waits, and need time to get through.
MIGRATION_PAUSE_SECONDS = float(os.environ.get("MIGRATION_PAUSE_SECONDS", "5"))
# How long it tries, and waits for another process that migrates. Less than the task may take: migration.timeout_minutes
# in the manifest is 30 minutes by default.
MIGRATION_PATIENCE_SECONDS = float(os.environ.get("MIGRATION_PATIENCE_SECONDS", "300"))

REDIS_URL = environment.redis_url(os.environ)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # A number of its own: clearing the cache must not empty the task queue.
        "LOCATION": environment.redis_url(os.environ, database_number=1),
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    }
}

CELERY_BROKER_URL = REDIS_URL
CELERY_RESULT_BACKEND = REDIS_URL
CELERY_RESULT_EXPIRES = 3600
CELERY_TASK_TRACK_STARTED = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A task leaves the queue when it is done, and a worker holds only what it works on: a lost worker loses no task.
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Seconds; the longest task that can be asked for takes 20 (api/views.py). Below the 120 that ECS waits before it kills:
# a worker told to stop ends what it has, and no deployment runs a task twice.
CELERY_TASK_TIME_LIMIT = 30
# Celery's default is the number of processors, and a container sees those of its whole host.
CELERY_WORKER_CONCURRENCY = 2
# Redis hands a task to a second worker after this time, so it must exceed the longest task. It is also how long the
# task of a worker that was killed waits.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT}
# Only with REMAP_SIGTERM=SIGQUIT in the environment, for products whose tasks outlast the 120 seconds: unfinished tasks
# then go back into the queue. Celery sleeps all this time and acknowledges nothing, so tasks that end meanwhile are run
# again if visibility_timeout is not longer than the longest task and this together.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = float(os.environ.get("WORKER_SOFT_SHUTDOWN_SECONDS", "100"))
CELERY_BEAT_SCHEDULER = "config.beat:SingleScheduler"
HEARTBEAT_SECONDS = 30
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {
        "task": "api.tasks.heartbeat",
        "schedule": HEARTBEAT_SECONDS,
        # Heartbeats of the past are worth nothing: while no worker runs they must not pile up.
        "options": {"expires": HEARTBEAT_SECONDS},
    }
}

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static"
MEDIA_URL = "/media/"
MEDIA_BUCKET = os.environ.get("AWS_STORAGE_BUCKET_NAME")
if MEDIA_BUCKET:
    MEDIA_STORAGE: dict[str, Any] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": MEDIA_BUCKET,
            "location": "media",
            # ECS sets this name; boto3 reads only AWS_DEFAULT_REGION.
            "region_name": os.environ.get("AWS_REGION"),
        },
    }
else:
    MEDIA_ROOT = Path(tempfile.gettempdir()) / "allthrive-media"
    MEDIA_STORAGE = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
STORAGES = {
    "default": MEDIA_STORAGE,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Django's default logs to mail when DEBUG is off; containers log to standard error.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "propagate": True}},
}
