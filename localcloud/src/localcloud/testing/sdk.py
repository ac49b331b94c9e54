"""A pytest plugin that lets all sessions of botocore in a process read each service model once.

A new session reads the models and lists the services again: a tenth of a second of processor time for the first client.
Tests make thousands of sessions, because credentials and settings belong to a session. The models do not.
"""

from __future__ import annotations

from functools import cache

from botocore import loaders, session

session.create_loader = cache(loaders.create_loader)
