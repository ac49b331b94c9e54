"""The API. It has no sessions, so a form of another site gains nothing: no CSRF tokens."""

import json

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.db.models.functions import TruncWeek
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

import config
from timesheets.models import Entry

NEWEST = 100
FIELDS = ("employee", "project", "day", "hours")


@require_GET
def health(request):
    """Answer while the process runs; a database that is down is no reason to restart it."""
    return JsonResponse({"status": "ok"})


@require_GET
def status(request):
    """Name the release that runs and what its build said, and whether the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        works = False
    else:
        works = True
    body = {
        "version": settings.RELEASE_VERSION or config.__version__,
        "image_digest": settings.RELEASE_IMAGE.partition("@")[2] or None,
        "build": settings.BUILD,
        "database": works,
    }
    return JsonResponse(body, status=200 if works else 503)


@csrf_exempt
@require_http_methods(["GET", "POST"])
def entries(request):
    """List the newest entries, or add one: `{"employee", "project", "day": "2030-01-31", "hours": "7.5"}`."""
    if request.method == "GET":
        return JsonResponse({"entries": [_fields(entry) for entry in Entry.objects.all()[:NEWEST]]})
    try:
        sent = json.loads(request.body)
        entry = Entry(**{name: sent[name] for name in FIELDS})
        entry.full_clean()
    except (ValueError, TypeError, KeyError):
        return JsonResponse({"error": f"send JSON with {', '.join(FIELDS)}"}, status=400)
    except ValidationError as error:
        return JsonResponse({"error": error.message_dict}, status=400)
    entry.save()
    return JsonResponse(_fields(entry), status=201)


@require_GET
def weeks(request, employee):
    """Sum up a person's hours of each week, by its Monday."""
    of = Entry.objects.filter(employee=employee).annotate(week=TruncWeek("day"))
    sums = of.values("week").annotate(hours=Sum("hours")).order_by("week")
    return JsonResponse({"weeks": {found["week"].isoformat(): str(found["hours"]) for found in sums}})


def _fields(entry):
    return {name: str(getattr(entry, name)) for name in FIELDS}
