"""Tells the local cloud of a push that git accepted, and prints what it started. Runs inside `git receive-pack`."""

from __future__ import annotations

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

_SECONDS = 120


def main() -> None:
    """Never fails: the push stands."""
    rows = [line.split(maxsplit=2) for line in sys.stdin.read().splitlines()]
    updates = [{"before": before, "after": after, "ref": ref} for before, after, ref in rows]
    place = urlsplit(os.environ["LOCALCLOUD_HOOK_URL"])
    told = {
        "repository": os.environ["LOCALCLOUD_REPOSITORY"],
        "pusher": os.environ["LOCALCLOUD_PUSHER"],
        "updates": updates,
    }
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=_SECONDS)
    try:
        headers = {"X-Localcloud-Hook": os.environ["LOCALCLOUD_HOOK_KEY"], "Content-Type": "application/json"}
        connection.request("POST", place.path, body=json.dumps(told), headers=headers)
        answer = connection.getresponse()
        said = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        said = f"the push is stored, but the local cloud did not answer, so it started nothing: {error}\n"
    finally:
        connection.close()
    sys.stdout.write(said)


main()
