"""Routes of the backend; nginx in the frontend's image sends it /api/."""

from django.urls import path

from timesheets import views

urlpatterns = [
    path("api/health/", views.health),
    path("api/status/", views.status),
    path("api/entries/", views.entries),
    path("api/weeks/<str:employee>/", views.weeks),
]
