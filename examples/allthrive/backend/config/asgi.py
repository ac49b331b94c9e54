"""The ASGI application for Daphne: routes HTTP to Django and WebSockets to Channels."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault(
    "DATABASE_POOL", "true"
)  # only here: workers and commands need few connections, and some hold locks
http = get_asgi_application()  # also loads the apps, which the imports below need

from config.urls import websocket_urlpatterns  # noqa: E402 - needs the apps

application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(URLRouter(websocket_urlpatterns))}
)
