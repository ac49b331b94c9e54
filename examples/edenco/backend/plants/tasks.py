"""Work that a Celery worker does."""

from datetime import date, timedelta

from celery import shared_task

from plants.models import Plant


@shared_task
def watering_plan(plant_id, start, days):
    """Return the dates, from `start` and for so many days, on which a plant gets water."""
    plant = Plant.objects.get(pk=plant_id)
    first = date.fromisoformat(start)
    steps = range(0, days, plant.days_between_watering)
    return [(first + timedelta(days=step)).isoformat() for step in steps]
