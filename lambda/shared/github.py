"""A client of GitHub's REST API for one repository; its token is never logged.

The secret holds either a token (plain, or {"token": …}) or a GitHub App: {"app_id", "installation_id", "kms_key_id"}.
The App's private key is imported key material in KMS: nobody can read it, and signing needs no cryptographic library.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from http import HTTPStatus
from typing import Any

from shared.aws import HERE, Unanswered
from shared.http import Answer, request
from shared.job import Failed, shortened
from shared.words import parsed

_API = "https://api.github.com"
_APP_SECONDS = 540  # GitHub accepts at most ten minutes
_PAGE = 100
_SHOWN = 300  # characters of an answer that is not GitHub's own


class Refused(Failed):
    """GitHub answered with a client error: a status from 400 to 499."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class GitHub:
    """One repository, `owner/name`."""

    def __init__(self, repository: str, secret: str) -> None:
        self.repository = repository
        self._secret = secret
        self._api = os.environ.get("GITHUB_API_URL", _API).rstrip("/")
        self._authorization: str | None = None

    def get(self, path: str) -> Any:
        """Returns the resource at a path below the repository, or None if there is none."""
        try:
            return self._ask("GET", f"/repos/{self.repository}{path}")
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return None

    def commit_of(self, tag: str) -> str | None:
        """Returns the commit that a git tag is on, or None if there is no such tag."""
        found = self.get(f"/git/ref/tags/{tag}")
        if found is None:
            return None
        target = found["object"]
        if target["type"] == "tag":  # an annotated tag, which names the commit
            target = self.get(f"/git/tags/{target['sha']}")["object"]
        return str(target["sha"])

    def pages(self, path: str, limit: int = 10) -> list[dict[str, Any]]:
        """Returns the items of a list, from at most `limit` pages."""
        found: list[dict[str, Any]] = []
        for page in range(1, limit + 1):
            joint = "&" if "?" in path else "?"
            items = self._ask("GET", f"/repos/{self.repository}{path}{joint}per_page={_PAGE}&page={page}")
            found += items
            if len(items) < _PAGE:
                break
        return found

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Creates a resource and returns GitHub's answer."""
        return self._ask("POST", f"/repos/{self.repository}{path}", body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        """Changes a resource and returns GitHub's answer."""
        return self._ask("PATCH", f"/repos/{self.repository}{path}", body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        if self._authorization is None:
            self._authorization = f"Bearer {self._token()}"
        return self._send(method, path, body, self._authorization)

    def _send(self, method: str, path: str, body: dict[str, Any] | None, authorization: str) -> Any:
        found = request(
            method,
            self._api + path,
            headers={
                "Authorization": authorization,
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": "slipway",
                **({"Content-Type": "application/json"} if body is not None else {}),
            },
            body=json.dumps(body).encode() if body is not None else None,
        )
        summary = f"GitHub answered {found.status} to {method} {path}"
        if found.status >= HTTPStatus.INTERNAL_SERVER_ERROR or _asks_to_wait(found):
            raise Unanswered(summary)
        if found.status >= HTTPStatus.BAD_REQUEST:
            raise Refused(found.status, f"{summary}: {_message(found)}{_hint(found.status, self.repository)}")
        return found.json() if found.body else None

    def _token(self) -> str:
        value = HERE.client("secretsmanager").get_secret_value(SecretId=self._secret)["SecretString"]
        try:
            secret = parsed(value)
        except ValueError:
            secret = {"token": value.strip()}
        if isinstance(secret, dict) and isinstance(secret.get("token"), str):
            return str(secret["token"])
        if isinstance(secret, dict) and {"app_id", "installation_id", "kms_key_id"} <= secret.keys():
            return self._app_token(secret)
        raise Failed(
            f"secret {self._secret} must hold a token, or a JSON object with token, or with app_id, installation_id "
            "and kms_key_id",
            kind="ConfigurationError",
        )

    def _app_token(self, app: dict[str, Any]) -> str:
        """Returns an installation token that is valid for this repository alone, for an hour."""
        answer = self._send(
            "POST",
            f"/app/installations/{app['installation_id']}/access_tokens",
            {"repositories": [self.repository.partition("/")[2]]},
            f"Bearer {_signed(str(app['app_id']), str(app['kms_key_id']))}",
        )
        return str(answer["token"])


def _signed(app_id: str, kms_key_id: str) -> str:
    """Returns a JSON web token of a GitHub App, signed by KMS."""
    issued = int(time.time()) - 60  # clocks differ
    claims = {"iat": issued, "exp": issued + _APP_SECONDS, "iss": app_id}
    text = ".".join(_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claims))
    signature = HERE.client("kms").sign(
        KeyId=kms_key_id,
        Message=hashlib.sha256(text.encode()).digest(),
        MessageType="DIGEST",
        SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
    )["Signature"]
    return f"{text}.{_base64(signature)}"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _asks_to_wait(found: Answer) -> bool:
    """True if GitHub asks to be called later: docs.github.com, "Rate limits for the REST API"."""
    limited = found.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in found.headers
    return found.status == HTTPStatus.TOO_MANY_REQUESTS or (found.status == HTTPStatus.FORBIDDEN and limited)


def _message(found: Answer) -> str:
    try:
        body = found.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return shortened(found.body.decode(errors="replace"), _SHOWN)
    errors = "; ".join(str(error.get("message") or error.get("code") or error) for error in body.get("errors") or [])
    return f"{body.get('message')}" + (f" ({errors})" if errors else "")


def _hint(status: int, repository: str) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND):
        return f". Does the token or App have access to {repository}, to write contents, issues and commit statuses?"
    return ""
