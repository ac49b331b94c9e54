from django.urls import path

from . import views

app_name = "books"
urlpatterns = [
    path("", views.BookList.as_view(), name="list"),
    path("books/add/", views.BookAdd.as_view(), name="add"),
    path("reports/", views.start_report, name="start_report"),
    path("reports/<uuid:task>/", views.report, name="report"),
]
