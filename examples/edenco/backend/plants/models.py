"""The plants of the garden."""

from django.db import models


class Plant(models.Model):
    """A plant, and how often it gets water."""

    name = models.CharField(max_length=80, unique=True)
    days_between_watering = models.PositiveSmallIntegerField()
    planted_on = models.DateField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self):
        return self.name
