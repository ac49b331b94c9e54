"""Asks the product's status page on this host."""

from __future__ import annotations

import http.client
import time

from slipway_host.output import Failed
from slipway_host.settings import Verify

_TIMEOUT = 5  # seconds for one answer
_SEEN = 200  # characters of an answer that a message repeats
_GOOD = range(200, 300)


def probe(wanted: Verify) -> int:
    """Waits until the page answers with success; returns the number of tries.

    Raises:
        Failed: if it did not in the given number of tries.
    """
    last = ""
    for number in range(1, wanted.tries + 1):
        if number > 1:
            time.sleep(wanted.pause_seconds)
        last = _asked(wanted)
        if not last:
            return number
    raise Failed(
        f"http://127.0.0.1:{wanted.port}{wanted.path} never answered with success in {wanted.tries} tries: {last}"
    )


def _asked(wanted: Verify) -> str:
    """Returns what is wrong with the answer; empty if nothing is."""
    # CloudFront has ended TLS; without this header Django redirects to https.
    headers = {"X-Forwarded-Proto": "https", "User-Agent": "slipway", **({"Host": wanted.host} if wanted.host else {})}
    connection = http.client.HTTPConnection("127.0.0.1", wanted.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", wanted.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read(_SEEN * 4).decode(errors="replace")[:_SEEN]
    except (OSError, http.client.HTTPException) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if answer.status in _GOOD else f"it answered {answer.status}: {' '.join(body.split())}"
