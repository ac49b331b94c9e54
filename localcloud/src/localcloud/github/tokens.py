"""Access tokens of the API: the value of the repository's secret, and tokens issued to a GitHub App."""

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
_MAX_LIFETIME = 600  # docs.github.com, generating a JSON web token: at most ten minutes
_DRIFT = 60


def from_headers(headers: Mapping[str, str]) -> str:
    """Returns the token of a request (`Bearer`, `token`, or the password of `Basic`), or an empty string."""
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
    """Returns the user name of a request's `Basic` authorization, or an empty string."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except ValueError:
        return ""


def grants_access(hub: Hub, repository: Repository, token: str) -> bool:
    """True if a token is the value of the repository's secret or was issued for the repository."""
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
            "%s has no secret; set it: git -C %s config localcloud.secret NAME", repository.name, repository.folder
        )
        return {}
    value = hub.read_secret(name)
    if value is None:
        logger.warning("%s: the secret %s does not exist, so every token is refused", repository.name, name)
        return {}
    try:
        secret = json.loads(value)
    except ValueError:
        return {"token": value.strip()}
    return secret if isinstance(secret, dict) else {}


def create_for_installation(
    hub: Hub, installation: str, token: str, names: list[str]
) -> tuple[str, float, Repository] | None:
    """Issues a token for an hour, for one repository of a GitHub App's installation; None without a valid signature."""
    claims, text, signature = _parsed(token)
    moment = time.time()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, (int, float)) or not isinstance(issued, (int, float)):
        return None
    if not moment < expires <= issued + _MAX_LIFETIME or issued > moment + _DRIFT:
        return None
    for repository in hub.repositories.all():
        if names and repository.name.partition("/")[2] not in names:
            continue
        app = _secret(hub, repository)
        matches = str(app.get("installation_id")) == installation and str(app.get("app_id")) == str(claims.get("iss"))
        if matches and hub.verify(str(app.get("kms_key_id")), hashlib.sha256(text.encode()).digest(), signature):
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
