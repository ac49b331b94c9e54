"""URLs below /api/v1/."""

from django.urls import path, re_path

from api import views

urlpatterns = [
    path("health/", views.health),
    path("status/", views.status),
    path("tasks/", views.start_task),
    path("tasks/<uuid:task_id>/", views.show_task),
    path("media/", views.upload_media),
    path("topics/", views.list_topics),
    # Without this, DEBUG would answer unknown paths with its own page, and the browser build runs with DEBUG.
    re_path("", views.unknown),
]
