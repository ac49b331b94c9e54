"""The Django project."""

__version__ = "2.3.0"
