"""The Django project. Its version is the backend's: raise it with each release."""

from config.celery import app as celery_app

__version__ = "1.4.0"
__all__ = ["celery_app"]
