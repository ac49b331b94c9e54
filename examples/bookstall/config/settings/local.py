"""Settings for work on a laptop."""

from .base import *  # noqa: F403 - the settings of a place extend the base
from .base import env

DEBUG = True
SECRET_KEY = env("DJANGO_SECRET_KEY", default="only-for-this-laptop")
ALLOWED_HOSTS = ["localhost", "0.0.0.0", "127.0.0.1"]
EMAIL_BACKEND = env("DJANGO_EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
CELERY_TASK_EAGER_PROPAGATES = True
