"""boto3 clients on loopback, created from one session.

A new session loads the service models again, which takes a tenth of a second of processor time per client. A client of
an existing session takes a few milliseconds.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from localcloud import keys, settings

_making = threading.Lock()  # a session is not thread-safe, its clients are


@cache
def _session() -> boto3.session.Session:
    return boto3.session.Session()


def root(account: str) -> dict[str, str]:
    """Returns the root credentials of an account in this process's cloud."""
    return keys.root(settings.current(), account).credentials()


def client(service: str, keys: Mapping[str, str], region: str, *, url: str = "", **config: Any) -> Any:
    """Returns a client of this process's cloud, or of the cloud at `url`.

    `keys` has the members that STS or the container credentials endpoint return. `config` is botocore's; by default
    calls are not retried.
    """
    options = {"retries": {"max_attempts": 0}, "s3": {"addressing_style": "path"}, **config}
    with _making:
        made = _session().client(
            service,
            endpoint_url=url or f"http://127.0.0.1:{settings.current().port}",
            region_name=region,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys.get("SessionToken") or keys.get("Token"),
            config=Config(**options),
        )
        made.meta.events.register("before-send.cloudfront-keyvaluestore", _without_account)
        return made


def _without_account(request: Any, **_: object) -> None:
    """Removes the account that botocore puts before the endpoint's name: this cloud has one address for all."""
    request.url = re.sub(r"//\d{12}\.", "//", request.url, count=1)
