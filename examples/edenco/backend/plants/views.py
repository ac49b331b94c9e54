"""The API. It has no sessions, so a form of another site gains nothing: no CSRF tokens."""

import json
from datetime import date

import redis
from celery.result import AsyncResult
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

import config
from plants.models import Plant
from plants.tasks import watering_plan

PLAN_DAYS = 28


@require_GET
def health(request):
    """Answer while the process runs; a database that is down is no reason to restart it."""
    return JsonResponse({"status": "ok"})


@require_GET
def status(request):
    """Name the release that runs, and whether database and Redis answer it."""
    parts = {"database": _database_answers(), "redis": _redis_answers()}
    body = {
        "status": "ok" if all(parts.values()) else "failed",
        "version": settings.RELEASE_VERSION or config.__version__,
        "image": settings.RELEASE_IMAGE or None,
        "image_digest": settings.RELEASE_IMAGE.partition("@")[2] or None,
        "environment": settings.ENVIRONMENT,
        **parts,
    }
    return JsonResponse(body, status=200 if all(parts.values()) else 503)


def _database_answers():
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers():
    limits = {"socket_timeout": 2, "socket_connect_timeout": 2}
    if settings.REDIS_URL.startswith("rediss:") and not settings.REDIS_TLS_VERIFY:
        limits["ssl_cert_reqs"] = "none"
    try:
        with redis.Redis.from_url(settings.REDIS_URL, **limits) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@csrf_exempt
@require_http_methods(["GET", "POST"])
def plants(request):
    """List the plants, or add one: `{"name": "Basil", "days_between_watering": 2}`."""
    if request.method == "GET":
        return JsonResponse({"plants": [_fields(plant) for plant in Plant.objects.all()]})
    try:
        sent = json.loads(request.body)
        plant = Plant(name=sent["name"], days_between_watering=sent["days_between_watering"])
        plant.full_clean()
    except (ValueError, TypeError, KeyError):
        return JsonResponse({"error": "send JSON with name and days_between_watering"}, status=400)
    except ValidationError as error:
        return JsonResponse({"error": error.message_dict}, status=400)
    if not plant.days_between_watering:
        return JsonResponse({"error": {"days_between_watering": ["At least 1."]}}, status=400)
    plant.save()
    return JsonResponse(_fields(plant), status=201)


@csrf_exempt
@require_POST
def plan(request, plant_id):
    """Let a worker plan the next weeks of a plant; the answer has the task's id."""
    plant = get_object_or_404(Plant, pk=plant_id)
    queued = watering_plan.delay(plant.pk, date.today().isoformat(), PLAN_DAYS)
    return JsonResponse({"id": queued.id}, status=202)


@require_GET
def task(request, task_id):
    """Tell the state of a task, and its result when it is done."""
    found = AsyncResult(str(task_id))
    result = found.result if found.state == "SUCCESS" else None
    return JsonResponse({"id": str(task_id), "state": found.state, "result": result})


def _fields(plant):
    return {"id": plant.pk, "name": plant.name, "days_between_watering": plant.days_between_watering}
