"""Routes of the backend. nginx/nginx.conf sends it these paths, and all others to the frontend."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [path("admin/", admin.site.urls), path("api/v1/", include("plants.urls"))]
