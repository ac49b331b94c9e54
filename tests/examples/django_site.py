"""A Django site with cookiecutter-django's production settings. It answers the requests that it reads, without a server.

It runs in a container: `python django_site.py HOST PROXY_HEADER`. Standard input has requests as JSON, one a line, and
standard output gets their answers. A POST sends the CSRF token that the last page contained.
"""

from __future__ import annotations

import io
import json
import re
import sys
from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

HOST, PROXY_HEADER = sys.argv[1:3]

settings.configure(
    SECRET_KEY="not-a-secret-" * 5,
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=[HOST],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
    ],
    # config/settings/production.py of cookiecutter-django 2026.8.18, section SECURITY
    SECURE_PROXY_SSL_HEADER=(PROXY_HEADER, "https"),
    SECURE_SSL_REDIRECT=True,
    CSRF_COOKIE_SECURE=True,
    CSRF_COOKIE_NAME="__Secure-csrftoken",
    SECURE_HSTS_SECONDS=60,
    SECURE_CONTENT_TYPE_NOSNIFF=True,
    LOGGING_CONFIG=None,
)
django.setup()


def form(request: HttpRequest) -> HttpResponse:
    from django.template import engines  # noqa: PLC0415 - needs the settings above

    if request.method == "POST":
        return HttpResponse(f"sent by {request.build_absolute_uri()}")
    page = engines["django"].from_string("<form method=post>{% csrf_token %}</form>")
    return HttpResponse(page.render({}, request))


def static(request: HttpRequest) -> HttpResponse:
    return HttpResponse("body {}", content_type="text/css", headers={"Cache-Control": "max-age=31536000, public"})


urlpatterns = [path("", form), path("contact/", form), path("static/site.css", static)]


def main() -> None:
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - needs the settings above

    application = get_wsgi_application()
    cookie = token = ""
    for line in sys.stdin:
        request = json.loads(line)
        body = f"csrfmiddlewaretoken={token}".encode() if request["method"] == "POST" else b""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request["method"],
            "PATH_INFO": request["path"],
            "SERVER_NAME": "10.0.1.2",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(body)),
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in request["headers"].items()},
        }
        if cookie and "cookie" not in environ:
            environ["HTTP_COOKIE"] = cookie
        answer: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], answer: dict[str, Any] = answer) -> None:
            answer.update(status=int(status.split()[0]), headers={name.lower(): value for name, value in headers})

        text = b"".join(application(environ, start)).decode()
        if found := re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', text):
            token, cookie = found[1], answer["headers"]["set-cookie"].split(";")[0]
        print(json.dumps({**answer, "text": text[:200]}), flush=True)


if __name__ == "__main__":
    main()
