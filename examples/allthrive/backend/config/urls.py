"""URLs. CloudFront sends /api, /ws, /admin and /static here; other paths go to the frontend and the media bucket."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.static import serve

from api.consumers import EchoConsumer

urlpatterns = [
    path("api/v1/", include("api.urls")),
    path("admin/", admin.site.urls),
]
if not settings.MEDIA_BUCKET:
    urlpatterns.append(path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}))

websocket_urlpatterns = [path("ws/echo/", EchoConsumer.as_asgi())]

handler404 = "api.views.not_found"
handler500 = "api.views.server_error"
