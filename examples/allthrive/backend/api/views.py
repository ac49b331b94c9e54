"""The HTTP API."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from celery.result import AsyncResult
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from api import tasks
from api.images import extension_of
from api.status import report
from catalog.models import Topic

LONGEST_TEXT = 10_000
SLOWEST_SECONDS = 20
LARGEST_IMAGE_BYTES = 5 * 1024 * 1024


@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """Answer that this process runs. Uses no database: if that is broken, replacing the container does not help."""
    return JsonResponse({"ok": True})


@require_GET
def status(request: HttpRequest) -> JsonResponse:
    """Report the running release and the state of its parts."""
    body = report()
    return JsonResponse(body, status=200 if body["ok"] else 503)


# The API has no users, so there is no session that a forged request could use.
@csrf_exempt
@require_POST
def start_task(request: HttpRequest) -> JsonResponse:
    """Queue a word count that takes the given number of seconds."""
    try:
        body = json.loads(request.body)
        text, seconds = body["text"], body.get("seconds", 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return error('send JSON: {"text": "…"}', 400)
    if not isinstance(text, str) or len(text) > LONGEST_TEXT:
        return error(f"text is a string of at most {LONGEST_TEXT} characters", 400)
    if type(seconds) not in (int, float) or not 0 <= seconds <= SLOWEST_SECONDS:
        return error(f"seconds is a number from 0 to {SLOWEST_SECONDS}", 400)
    task_id = tasks.count_words.delay(text, seconds).id
    return JsonResponse({"id": task_id}, status=202, headers={"Location": f"{request.path}{task_id}/"})


@require_GET
def show_task(request: HttpRequest, task_id: UUID) -> JsonResponse:
    """Show the state of a task. An unknown task is PENDING: Celery cannot tell it from one that has not started."""
    task = AsyncResult(str(task_id))
    state = task.state
    return JsonResponse({"id": task.id, "state": state, "result": task.result if state == "SUCCESS" else None})


@csrf_exempt
@require_POST
def upload_media(request: HttpRequest) -> JsonResponse:
    """Store an image under a random name."""
    upload = request.FILES.get("file")
    if upload is None:
        return error("send a form with a file in the field 'file'", 400)
    if upload.size > LARGEST_IMAGE_BYTES:
        return error(f"an image has at most {LARGEST_IMAGE_BYTES} bytes", 413)
    content = upload.read()
    extension = extension_of(content)
    if extension is None:
        return error("send a GIF, JPEG, PNG or WebP image", 415)
    # Only the content is stored: S3 would serve the upload object itself with the content type that its sender claims.
    name = default_storage.save(f"{uuid4()}.{extension}", ContentFile(content))
    return JsonResponse({"url": f"{settings.MEDIA_URL}{name}"}, status=201)


@require_GET
def list_topics(request: HttpRequest) -> JsonResponse:
    """List the topics."""
    return JsonResponse({"topics": list(Topic.objects.values("slug", "name", "description"))})


def unknown(request: HttpRequest) -> JsonResponse:
    """Answer a path that the API does not have."""
    return error("not found", 404)


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer in JSON, so that no client mistakes the frontend's page for an answer."""
    return error("not found", 404)


def server_error(request: HttpRequest) -> JsonResponse:
    """Answer without details, which are in the log."""
    return error("internal error", 500)


def error(message: str, status: int) -> JsonResponse:
    """Build the answer to a request that failed."""
    return JsonResponse({"error": message}, status=status)
