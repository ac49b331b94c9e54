"""The books of the shop, and the orders of its customers."""

import uuid

from django.core.validators import MinValueValidator
from django.db import models


class Book(models.Model):
    """A book, and how many are in stock."""

    title = models.CharField(max_length=200, unique=True)
    author = models.CharField(max_length=200)
    price = models.DecimalField(max_digits=6, decimal_places=2)
    stock = models.PositiveIntegerField()

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title


class Order(models.Model):
    """An order of one book. Its number is no guess: who has it may read the receipt."""

    number = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    book = models.ForeignKey(Book, on_delete=models.PROTECT)
    copies = models.PositiveIntegerField(validators=[MinValueValidator(1)])
    email = models.EmailField()
    ordered_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return f"{self.copies} of {self.book}"
