"""Uses Edenco's site as a visitor does: the page, a plant, a worker's plan, an API 404. `URL` is its address."""

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
    status, body = visit(f"/api/v1/{path}", method, **fields)
    assert status == expected, f"{method} /api/v1/{path}: {status} {body[:300]!r}"
    return json.loads(body)


def page():
    for path in ("/", "/plants/7"):
        status, body = visit(path)
        assert status == 200 and b'<div id="root"' in body, f"GET {path}: {status} {body[:200]!r}"
    return "served through the proxy"


def missing():
    status, body = visit("/api/v1/no-such-thing/")
    assert status == 404 and b'<div id="root"' not in body, f"GET /api/v1/no-such-thing/: {status} {body[:200]!r}"
    return "an API 404 stays a 404"


def release():
    found = api("status/", 200)
    return f"{found['version']} on {found['environment']}"


def plan():
    """A plant is kept, and a worker plans its next four weeks."""
    plant = api("plants/", 201, "POST", name=f"Demo {time.time_ns()}", days_between_watering=7)
    assert plant in api("plants/", 200)["plants"], f"{plant} is not listed"
    task = api(f"plants/{plant['id']}/plan/", 202, "POST")["id"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (state := api(f"tasks/{task}/", 200))["state"] in {"PENDING", "STARTED"} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert state["state"] == "SUCCESS" and len(state["result"]) == 4, f"no plan within {PATIENCE_SECONDS} s: {state}"
    return "a worker planned four weeks"


for name, check in {"page": page, "404": missing, "release": release, "plan": plan}.items():
    try:
        print(f"{name}: {check()}")
    except AssertionError as error:
        sys.exit(f"{name}: {error}")
