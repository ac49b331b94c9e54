from django.apps import AppConfig


class BooksConfig(AppConfig):
    name = "bookstall.books"
