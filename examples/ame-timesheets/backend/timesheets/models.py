"""Hours that people worked."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

QUARTER = Decimal("0.25")


class Entry(models.Model):
    """The hours of one person on one project and day."""

    employee = models.CharField(max_length=80)
    project = models.CharField(max_length=80)
    day = models.DateField()
    hours = models.DecimalField(
        max_digits=4, decimal_places=2, validators=[MinValueValidator(QUARTER), MaxValueValidator(24)]
    )

    class Meta:
        ordering = ["-day", "employee", "project"]
        constraints = [models.UniqueConstraint(fields=["employee", "project", "day"], name="one_entry_a_day")]

    def __str__(self):
        return f"{self.employee} on {self.day}: {self.hours} h {self.project}"
