"""The garden in Django's admin."""

from django.contrib import admin

from plants.models import Plant

admin.site.register(Plant, list_display=["name", "days_between_watering", "planted_on"])
