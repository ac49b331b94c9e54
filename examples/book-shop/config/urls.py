"""Routes of the shop."""

from django.contrib import admin
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.books, name="books"),
    path("books/<int:book_id>/order/", views.order, name="order"),
    path("orders/<uuid:number>/", views.receipt, name="receipt"),
    path("health/", views.health),
    path("status/", views.status),
    path("admin/", admin.site.urls),
]
