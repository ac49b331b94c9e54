"""Uses the deployed product as a visitor does: its page, its API, its health, its release. `URL` is its address.

The pipeline runs it after each deployment to production. It changes nothing, and ends with 1 if an answer is wrong.
"""

import http.client
import json
import os
import socket
import sys
from urllib.parse import urlsplit

PATIENCE_SECONDS = 30
SITE = urlsplit(os.environ["URL"])


def visit(path, expected=200):
    """Returns the text at a path."""
    secure = SITE.scheme == "https"
    try:
        socket.getaddrinfo(SITE.hostname, None)
        host = SITE.hostname
    except socket.gaierror:  # the name of a local site is below localhost, which not every resolver knows
        host = "127.0.0.1"
    make = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = make(host, SITE.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", path, headers={"Host": SITE.netloc})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != expected:
        sys.exit(f"GET {path}: {answer.status} instead of {expected}: {text[:300]!r}")
    return text


def main():
    if "<h1>Production experience</h1>" not in visit("/"):
        sys.exit("GET /: the page has no heading")
    listed = json.loads(visit("/api/experiences"))["experiences"]
    one = json.loads(visit(f"/api/experiences/{listed[0]['id']}"))
    if one != listed[0]:
        sys.exit(f"GET /api/experiences/{listed[0]['id']}: {one} is not {listed[0]}")
    visit("/metrics", expected=404)
    print(f"{len(listed)} experiences, version {json.loads(visit('/status'))['version']}, /metrics is not public")


main()
