"""Authentication at the registry: the password from GetAuthorizationToken identifies a caller, whom IAM authorizes.

This machine's Docker daemon uses the registry over loopback without a password: its pulls and pushes for a build or a
task are authorized before (`dockerfilter`, `ecs/agent.py`). A container must send a password, and every password
that is sent is checked.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import ecr

from localcloud.iam.root import from_container

SYMBOLS: tuple[str, ...] = (
    "ministack.core.iam_evaluator:_verified_key",
    "ministack.core.iam_evaluator:enforce",
    "ministack.services.ecr:_get_authorization_token",
    "ministack.services.ecr:_parse_v2_path",
    "ministack.services.ecr:_registry_error",
    "ministack.services.ecr:_select_registry_request_scope",
    "ministack.services.ecr:handle_registry_request",
    "ministack.services.ecr:reset",
)

LIFETIME_SECONDS = 12 * 3600  # docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="ECR"'}
_PULL = {"manifest": "ecr:BatchGetImage", "blob": "ecr:GetDownloadUrlForLayer", "tags_list": "ecr:ListImages"}
_PUSH = {
    ("blob_uploads", "POST"): "ecr:InitiateLayerUpload",
    ("blob_upload_session", "PATCH"): "ecr:UploadLayerPart",
    ("blob_upload_session", "PUT"): "ecr:CompleteLayerUpload",
    ("blob_upload_session", "GET"): "ecr:UploadLayerPart",
    ("blob_upload_session", "DELETE"): "ecr:UploadLayerPart",
    ("blob", "HEAD"): "ecr:BatchCheckLayerAvailability",
    ("blob", "DELETE"): "ecr:BatchDeleteImage",
    ("manifest", "PUT"): "ecr:PutImage",
    ("manifest", "DELETE"): "ecr:BatchDeleteImage",
}


@dataclass(frozen=True)
class _Login:
    """The access key to which a password belongs, and the time when it expires."""

    access_key_id: str
    until: float


_logins: dict[str, _Login] = {}
_guard = threading.Lock()


def issue(access_key_id: str) -> str:
    """Returns a new password for an access key."""
    password, now = secrets.token_urlsafe(48), time.time()
    with _guard:
        for old in [known for known, login in _logins.items() if login.until < now]:
            del _logins[old]
        _logins[password] = _Login(access_key_id, now + LIFETIME_SECONDS)
    return password


def holder(password: str) -> str:
    """Returns the access key to which a password belongs; empty if it is unknown or has expired."""
    with _guard:
        login = _logins.get(password)
    return login.access_key_id if login is not None and login.until > time.time() else ""


def _password(authorization: str) -> str:
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return password if (scheme.lower(), user) == ("basic", "AWS") else ""


def action_of(verb: str, method: str) -> str:
    """Returns the IAM action of a registry request; empty for a ping."""
    return _PUSH.get((verb, method)) or _PULL.get(verb, "")


def _refusals(method: str, path: str, headers: Mapping[str, str]) -> Iterator[Any]:
    authorization = headers.get("authorization", "")
    if not authorization and not from_container.get():
        return
    with _guard:
        login = _logins.get(_password(authorization))
    if login is None or login.until < time.time():
        message = "no basic auth credentials; log in with the password of aws ecr get-login-password"
        status, answered, body = ecr._registry_error(401, "UNAUTHORIZED", message)
        yield status, {**answered, **_CHALLENGE}, body
        return
    verb, name, _ = ecr._parse_v2_path(path) or ("", "", "")
    action = action_of(verb, method.upper())
    if verb == "ping":
        return
    arn = f"arn:aws:ecr:{get_region()}:{get_account_id()}:repository/{name}"
    denied = not action or iam_evaluator.enforce(login.access_key_id, action, "ecr", get_region(), resource_arn=arn)
    if denied:
        yield ecr._registry_error(403, "DENIED", f"not authorized to perform {action or verb} on {arn}")


def install() -> None:
    """Make GetAuthorizationToken issue passwords, and the registry require them."""
    original_token, original_request, original_reset = (
        ecr._get_authorization_token,
        ecr.handle_registry_request,
        ecr.reset,
    )

    def token(data: dict[str, Any]) -> Any:
        status, headers, body = original_token(data)
        answer = json.loads(body)
        password = issue(iam_evaluator._verified_key.get())
        for entry in answer["authorizationData"]:
            entry["authorizationToken"] = base64.b64encode(f"AWS:{password}".encode()).decode()
        return status, headers, json.dumps(answer).encode()

    async def request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
        lower = {name.lower(): value for name, value in headers.items()}
        verb_name_ref = ecr._parse_v2_path(path)
        ecr._select_registry_request_scope(verb_name_ref[1] if verb_name_ref else "", lower, query_params)
        for refused in _refusals(method, path, lower):
            return refused
        return await original_request(method, path, headers, body, query_params)

    def reset() -> None:
        original_reset()
        with _guard:
            _logins.clear()

    ecr._get_authorization_token = token
    ecr.handle_registry_request = request
    ecr.reset = reset
