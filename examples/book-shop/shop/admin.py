"""Books and orders in Django's admin."""

from django.contrib import admin

from shop.models import Book, Order

admin.site.register(Book, list_display=["title", "author", "price", "stock"])
admin.site.register(Order, list_display=["number", "book", "copies", "email"])
