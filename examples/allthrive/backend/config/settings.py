"""Django's settings. Values that differ between environments come from environment variables."""

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

# Any host by default: only the internal load balancer reaches a container, and its health check uses the IP address.
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")

# The load balancer speaks HTTP and overwrites X-Forwarded-Proto; this header is CloudFront's own and passes through it.
SECURE_PROXY_SSL_HEADER = ("HTTP_CLOUDFRONT_FORWARDED_PROTO", "https")
# Off by default, since CloudFront redirects to HTTPS.
SECURE_SSL_REDIRECT = environment.flag(os.environ, "SECURE_SSL_REDIRECT", default=False)
# CloudFront also sends Strict-Transport-Security, so Django need not warn that both are off here.
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
# A migration that needs a table in use gives up after lock_timeout (environment.py) and tries again after this pause,
# which must be longer than lock_timeout: queries queue behind a migration that waits, and need time to finish.
MIGRATION_PAUSE_SECONDS = float(os.environ.get("MIGRATION_PAUSE_SECONDS", "5"))
# How long all attempts may take, and how long to wait for another process that migrates. It must be less than
# migration.timeout_minutes in the manifest, 30 minutes by default, after which the task is stopped.
MIGRATION_PATIENCE_SECONDS = float(os.environ.get("MIGRATION_PATIENCE_SECONDS", "300"))

REDIS_URL = environment.redis_url(os.environ)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        # A database of its own: clearing the cache must not empty the task queue.
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
# A task leaves the queue only when it is done, and a worker takes one at a time: if a worker is lost, no task is.
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# Seconds. The API allows tasks of 20 seconds (api/views.py). ECS kills a stopping container after 120 seconds, so a
# worker that is stopped can finish its task, and no deployment runs a task twice.
CELERY_TASK_TIME_LIMIT = 30
# Celery's default is the number of processors, but a container sees all those of its host.
CELERY_WORKER_CONCURRENCY = 2
# Redis gives an unfinished task to another worker after this time. So it must be longer than the longest task; and the
# task of a worker that was killed waits this long.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 2 * CELERY_TASK_TIME_LIMIT}
# Only with REMAP_SIGTERM=SIGQUIT in the environment, for products with tasks of more than 120 seconds: unfinished tasks
# then go back to the queue. During this time Celery acknowledges no task, so tasks that end meanwhile run again unless
# visibility_timeout is longer than this and the longest task together.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = float(os.environ.get("WORKER_SOFT_SHUTDOWN_SECONDS", "100"))
CELERY_BEAT_SCHEDULER = "config.beat:SingleScheduler"
HEARTBEAT_SECONDS = 30
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {
        "task": "api.tasks.heartbeat",
        "schedule": HEARTBEAT_SECONDS,
        # Old heartbeats are useless: they must not pile up while no worker runs.
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

# By default Django sends errors by mail when DEBUG is off; containers log to standard error.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {"django": {"handlers": [], "propagate": True}},
}
