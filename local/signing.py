"""Signed requests to what administers the cloud: AWS's signature version 4, root key, service `slipway`.

curl --aws-sigv4 aws:amz:us-east-1:slipway --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" …
"""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local import keys
from local.settings import Settings

SERVICE = "slipway"


def send(chosen: Settings, method: str, path: str, body: bytes = b"", seconds: float = 10) -> tuple[int, bytes]:
    """Sends a signed request to a cloud of this machine; returns its status and body.

    Raises:
        OSError: if nobody answers.
    """
    key = keys.root(chosen)
    request = AWSRequest(method, f"http://127.0.0.1:{chosen.port}{path}", {"Content-Type": "application/json"}, body)
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), SERVICE, chosen.region).add_auth(request)
    prepared: Any = request.prepare()
    sent = urllib.request.Request(prepared.url, body or None, dict(prepared.headers), method=method)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(sent, timeout=seconds) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return int(error.code), error.read()
