"""Django's settings. They have no password: libpq reads it from the file that PGPASSFILE names (~/.pgpass)."""

import json
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = os.environ.get("DEBUG", "false").lower() == "true"
SECRET_KEY = os.environ["SECRET_KEY"]
# Only the frontend's nginx reaches the backend, and passes the visitor's Host on.
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "*").split(",")
# Who ends TLS in front of nginx redirects to HTTPS, and there are no sessions, so no cookies.
SILENCED_SYSTEM_CHECKS = ["security.W003", "security.W004", "security.W008"]

# What the build wrote about itself; a checkout has no such file.
_build = BASE_DIR / "build.json"
BUILD = json.loads(_build.read_text()) if _build.exists() else {"version": None, "commit": None, "signature": None}
RELEASE_VERSION = os.environ.get("RELEASE_VERSION") or BUILD["version"]
RELEASE_IMAGE = os.environ.get("RELEASE_IMAGE", "")

INSTALLED_APPS = ["timesheets"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# libpq itself reads PGSSLMODE, PGSSLROOTCERT and PGPASSFILE.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("PGHOST", "localhost"),
        "PORT": os.environ.get("PGPORT", "5432"),
        "NAME": os.environ.get("PGDATABASE", "timesheets"),
        "USER": os.environ.get("PGUSER", "timesheets"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5},
    }
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
