"""Who may call the API: whoever has the value of the secret that belongs to the repository."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

from localcloud.github.hub import Hub
from localcloud.github.repositories import Repository

logger = logging.getLogger("localcloud")

_HOUR = 3600
_LONGEST = 600  # docs.github.com, generating a JSON web token: at most ten minutes
_DRIFT = 60


def presented(headers: Mapping[str, str]) -> str:
    """The token of a request, or nothing: `Bearer`, `token`, or the password of `Basic`."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() in {"bearer", "token"}:
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def user(headers: Mapping[str, str]) -> str:
    """The name of a request's `Basic` authorization, or nothing."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except ValueError:
        return ""


def opens(hub: Hub, repository: Repository, token: str) -> bool:
    """Whether a token is the repository's, or was made for it."""
    if not token:
        return False
    made = hub.store.row("SELECT * FROM tokens WHERE digest = ?", _digest(token))
    if made is not None:
        return bool(made["repository"] == repository.name and made["expires"] > time.time())
    secret = _secret(hub, repository)
    expected = secret.get("token")
    return isinstance(expected, str) and hmac.compare_digest(expected.encode(), token.encode("utf-8", "replace"))


def _secret(hub: Hub, repository: Repository) -> dict[str, Any]:
    name = repository.setting("secret")
    if not name:
        logger.warning(
            "%s names no secret: git -C %s config localcloud.secret NAME", repository.name, repository.folder
        )
        return {}
    value = hub.read_secret(name)
    if value is None:
        logger.warning("%s: there is no secret %s, so no token opens it", repository.name, name)
        return {}
    try:
        secret = json.loads(value)
    except ValueError:
        return {"token": value.strip()}
    return secret if isinstance(secret, dict) else {}


def for_installation(hub: Hub, installation: str, token: str, names: list[str]) -> tuple[str, float, Repository] | None:
    """A token for an hour, for one repository of a GitHub App's installation; None if the App did not sign."""
    claims, text, signature = _parsed(token)
    moment = time.time()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, (int, float)) or not isinstance(issued, (int, float)):
        return None
    if not moment < expires <= issued + _LONGEST or issued > moment + _DRIFT:
        return None
    for repository in hub.repositories.all():
        if names and repository.name.partition("/")[2] not in names:
            continue
        app = _secret(hub, repository)
        same = str(app.get("installation_id")) == installation and str(app.get("app_id")) == str(claims.get("iss"))
        if same and hub.verify(str(app.get("kms_key_id")), hashlib.sha256(text.encode()).digest(), signature):
            made = f"ghs_{secrets.token_urlsafe(27)}"
            until = moment + _HOUR
            hub.store.insert("tokens", digest=_digest(made), repository=repository.name, expires=until)
            return made, until, repository
    return None


def _parsed(token: str) -> tuple[dict[str, Any], str, bytes]:
    text, _, signature = token.rpartition(".")
    try:
        claims = json.loads(_decoded(text.partition(".")[2]))
        return (claims if isinstance(claims, dict) else {}), text, _decoded(signature)
    except ValueError:
        return {}, "", b""


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
