"""Routes below /api/v1/."""

from django.urls import path

from plants import views

urlpatterns = [
    path("health/", views.health),
    path("status/", views.status),
    path("plants/", views.plants),
    path("plants/<int:plant_id>/plan/", views.plan),
    path("tasks/<uuid:task_id>/", views.task),
]
