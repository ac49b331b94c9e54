"""The Django project. Importing it loads Celery, so that shared tasks find their application."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
