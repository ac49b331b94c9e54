"""Signed administrative requests: AWS Signature Version 4 with the root key and the service `localcloud`.

curl --aws-sigv4 aws:amz:us-east-1:localcloud --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" …
"""

from __future__ import annotations

import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localcloud import keys
from localcloud.settings import Settings

SERVICE = "localcloud"


def headers(settings: Settings, method: str, path: str, body: bytes = b"") -> dict[str, str]:
    """Returns the headers of a signed request to a cloud on this machine."""
    key = keys.root(settings)
    request = AWSRequest(method, f"{_url(settings)}{path}", {"Host": f"127.0.0.1:{settings.port}"}, body)
    SigV4Auth(Credentials(key.access_key_id, key.secret_access_key), SERVICE, settings.region).add_auth(request)
    return {**dict(request.headers.items()), "Content-Type": "application/json"}


def send(settings: Settings, method: str, path: str, body: bytes = b"", seconds: float = 10) -> tuple[int, bytes]:
    """Sends a signed request to a cloud on this machine; returns the response's status and body.

    Raises:
        OSError: if the cloud does not answer.
    """
    signed = headers(settings, method, path, body)
    request = urllib.request.Request(f"{_url(settings)}{path}", body or None, signed, method=method)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as answer:
            return int(answer.status), answer.read()
    except urllib.error.HTTPError as error:
        return int(error.code), error.read()


def _url(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.port}"
