"""`manage.py stock_shelves`: books for a shop that has none of them."""

from django.core.management.base import BaseCommand

from shop.models import Book

BOOKS = (
    ("Walden", "Henry David Thoreau", "9.90", 12),
    ("Middlemarch", "George Eliot", "14.50", 7),
    ("The Histories", "Herodotus", "18.00", 3),
)


class Command(BaseCommand):
    """Adds the books that are missing; those that exist keep their price and stock."""

    help = __doc__

    def handle(self, *args, **options):
        added = 0
        for title, author, price, stock in BOOKS:
            fields = {"author": author, "price": price, "stock": stock}
            added += Book.objects.get_or_create(title=title, defaults=fields)[1]
        self.stdout.write(f"{added} books added")
