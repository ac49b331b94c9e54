"""Uses AllThrive's site as a visitor does: the page, an API 404, a WebSocket, a task. `URL` is its address."""

import http.client
import json
import os
import socket
import sys
import time
from urllib.parse import urlsplit

from websockets.sync.client import connect

PATIENCE_SECONDS = 30.0
SITE = urlsplit(os.environ["URL"])


def get(path, *, method="GET", body=None):
    """Returns status and body. The name of the site is below localhost, which not every resolver knows."""
    connection = http.client.HTTPConnection("127.0.0.1", SITE.port, timeout=PATIENCE_SECONDS)
    connection.request(method, path, body=body, headers={"Host": SITE.netloc, "Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read()


def page():
    """Every path that a browser may reload returns the page from the site bucket."""
    for path in ("/", "/about"):
        status, body = get(path)
        assert status == 200 and b'<div id="root"' in body, f"GET {path}: {status} {body[:200]!r}"
    return "served from the bucket"


def missing():
    """An unknown API path is a 404, not the page."""
    status, body = get("/api/v1/no-such-thing/")
    assert status == 404 and b'<div id="root"' not in body, f"GET /api/v1/no-such-thing/: {status} {body[:200]!r}"
    return "an API 404 stays a 404"


def websocket():
    sent = {"message": "slipway"}
    with (
        socket.create_connection(("127.0.0.1", SITE.port), timeout=PATIENCE_SECONDS) as connection,
        connect(f"ws://{SITE.netloc}/ws/echo/", sock=connection, open_timeout=PATIENCE_SECONDS) as channel,
    ):
        channel.send(json.dumps(sent))
        reply = channel.recv(timeout=PATIENCE_SECONDS)
    assert "slipway" in str(reply), f"/ws/echo/ answered {reply!r} to {sent}"
    return "echoes"


def task():
    """A Celery task runs and returns its result."""
    body = json.dumps({"text": "five words make one task"}).encode()
    status, answer = get("/api/v1/tasks/", method="POST", body=body)
    assert status == 202, f"POST /api/v1/tasks/: {status} {answer[:200]!r}"
    path, deadline = f"/api/v1/tasks/{json.loads(answer)['id']}/", time.monotonic() + PATIENCE_SECONDS
    while (state := json.loads(get(path)[1])).get("state") not in {"SUCCESS", "FAILURE"} and time.monotonic() < deadline:
        time.sleep(0.2)
    assert state["state"] == "SUCCESS", f"GET {path}: {state}"
    return f"result {json.dumps(state['result'])}"


for name, check in {"page": page, "404": missing, "WebSocket": websocket, "task": task}.items():
    try:
        print(f"{name}: {check()}")
    except AssertionError as error:
        sys.exit(f"{name}: {error}")
