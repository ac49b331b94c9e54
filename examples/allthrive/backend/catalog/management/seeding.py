"""The base class of the five seed commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.db.models import ForeignKey

from catalog.models import Entry

SEEDS = Path(__file__).resolve().parent.parent / "seeds"


class SeedCommand(BaseCommand):
    """Creates or updates the rows of a seed file, by slug; a second run changes nothing."""

    model: ClassVar[type[Entry]]

    def handle(self, *args: Any, **options: Any) -> None:
        plural = str(self.model._meta.verbose_name_plural)
        rows = json.loads((SEEDS / f"{plural}.json").read_text())
        with transaction.atomic():
            created = sum(self.seed(row) for row in rows)
        self.stdout.write(f"{plural}: {created} created, {len(rows) - created} already there")

    def seed(self, row: dict[str, Any]) -> bool:
        """Create or update a row; return True if it is new."""
        values = {name: self._resolve(name, value) for name, value in row.items() if name != "slug"}
        _, created = self.model.objects.update_or_create(slug=row["slug"], defaults=values)
        return created

    def _resolve(self, name: str, value: Any) -> Any:
        """Return the entry that a slug names if the field is a foreign key, else the value itself."""
        field = self.model._meta.get_field(name)
        if not isinstance(field, ForeignKey):
            return value
        other = field.related_model
        try:
            return other.objects.get(slug=value)
        except other.DoesNotExist:
            plural = other._meta.verbose_name_plural
            raise CommandError(f"no {other._meta.verbose_name} {value!r}: run seed_{plural} first") from None
