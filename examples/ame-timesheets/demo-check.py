"""Uses AME Timesheets as a visitor does: the page, an entry of a day of its own, the week's sum. `URL` is its address."""

import http.client
import json
import os
import sys
import time
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30
SITE = urlsplit(os.environ["URL"])


def visit(path, method="GET", **fields):
    """Returns status and body. The name of the site is below localhost, which not every resolver knows."""
    connection = http.client.HTTPConnection("127.0.0.1", SITE.port, timeout=PATIENCE_SECONDS)
    body = json.dumps(fields) if fields else None
    connection.request(method, path, body, {"Host": SITE.netloc, "Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def api(path, expected, method="GET", **fields):
    status, body = visit(f"/api/{path}", method, **fields)
    assert status == expected, f"{method} /api/{path}: {status} {body[:300]!r}"
    return json.loads(body)


def page():
    for path in ("/", "/weeks"):
        status, body = visit(path)
        assert status == 200 and b'<div id="root"' in body, f"GET {path}: {status} {body[:200]!r}"
    return "served by the frontend"


def release():
    found = api("status/", 200)
    return f"{found['version']}, signed: {'yes' if found['build']['signature'] else 'no'}"


def entry():
    person = f"Demo {time.time_ns()}"
    for day, hours in (("2030-01-31", "7.50"), ("2030-02-01", "1.25")):
        api("entries/", 201, "POST", employee=person, project="Demo", day=day, hours=hours)
    found = api(f"weeks/{person.replace(' ', '%20')}/", 200)["weeks"]
    assert found == {"2030-01-28": "8.75"}, f"hours of {person}: {found}"
    return "two days are summed up to one week"


def refused():
    api("entries/", 400, "POST", employee="Demo", project="Demo", day="2030-01-31", hours="25")
    return "a day has no 25 hours"


for name, check in {"page": page, "release": release, "entry": entry, "refused": refused}.items():
    try:
        print(f"{name}: {check()}")
    except AssertionError as error:
        sys.exit(f"{name}: {error}")
