"""Settings of production. Values that are secret, or differ between hosts, come from the environment."""

from .base import *  # noqa: F401,F403
from .base import DATABASES, env

DEBUG = False
SECRET_KEY = env.str("SECRET_KEY")
ENVIRONMENT = "production"
DATABASES["default"]["CONN_MAX_AGE"] = 60
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", 3600)
