"""Git's post-receive hook: reports an accepted push to the local cloud, and prints the pipelines that it started."""

from __future__ import annotations

import http.client
import json
import os
import sys
from urllib.parse import urlsplit

_SECONDS = 120


def main() -> None:
    """Report the push. Errors are only printed, as git has already accepted the push."""
    rows = [line.split(maxsplit=2) for line in sys.stdin.read().splitlines()]
    updates = [{"before": before, "after": after, "ref": ref} for before, after, ref in rows]
    url = urlsplit(os.environ["LOCALCLOUD_HOOK_URL"])
    push = {
        "repository": os.environ["LOCALCLOUD_REPOSITORY"],
        "pusher": os.environ["LOCALCLOUD_PUSHER"],
        "updates": updates,
    }
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=_SECONDS)
    try:
        headers = {"X-Localcloud-Hook": os.environ["LOCALCLOUD_HOOK_KEY"], "Content-Type": "application/json"}
        connection.request("POST", url.path, body=json.dumps(push), headers=headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        text = f"the push is stored, but the local cloud did not answer, so it started nothing: {error}\n"
    finally:
        connection.close()
    sys.stdout.write(text)


main()
