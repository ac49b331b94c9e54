"""AssumeRoleWithWebIdentity accepts only verified tokens.

The issuer must be an OIDC provider of the account, the audience one of its client IDs, the token neither expired nor
early, and the signature valid under the issuer's published keys (`localcloud.iam.issuer`). Every claim then becomes a
condition key `<issuer>:<claim>`, so a trust policy can require a repository, branch and environment.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from ministack.services import iam, sts

from localcloud.iam import issuer

SYMBOLS: tuple[str, ...] = (
    "ministack.services.sts:_web_identity_trust_denied",
    "ministack.services.sts:_web_identity_principal",
    "ministack.services.sts:_p",
    "ministack.services.sts:_error",
    "ministack.services.iam:_oidc_providers",
)


class TokenError(Exception):
    """The token is not accepted; `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _integer(value: str) -> int:
    return int.from_bytes(_decoded(value), "big")


def _split(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes, bytes]:
    try:
        head, claims, signature = token.split(".")
        return (
            json.loads(_decoded(head)),
            json.loads(_decoded(claims)),
            f"{head}.{claims}".encode(),
            _decoded(signature),
        )
    except (ValueError, TypeError) as error:
        raise TokenError("InvalidIdentityToken", "The ID Token provided is not a valid JWT") from error


def _host(claims: Mapping[str, Any]) -> str:
    return str(claims.get("iss", "")).split("://", 1)[-1].rstrip("/")


def _audiences(claims: Mapping[str, Any]) -> list[str]:
    value = claims.get("aud")
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _provider(host: str, account: str) -> Mapping[str, Any]:
    arn = f"arn:aws:iam::{account}:oidc-provider/{host}"
    found = iam._oidc_providers.get_scoped(account, None, arn)
    if found is None:
        raise TokenError("InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{host}")
    return dict(found)


def _check_signature(host: str, head: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    keys = issuer.published_keys(host)
    key = next((item for item in keys if item.get("kid") == head.get("kid")), None)
    if key is None or head.get("alg") != "RS256":
        raise TokenError("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
    public = rsa.RSAPublicNumbers(_integer(key["e"]), _integer(key["n"])).public_key()
    try:
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise TokenError("InvalidIdentityToken", "Couldn't verify the signature of the ID Token") from error


def verify(token: str, account: str) -> dict[str, Any]:
    """Returns the claims of a valid token; `aud` is the audience that AWS compares.

    That is `azp` if the token has one, else `aud`: docs.aws.amazon.com, "Available keys for AWS OIDC federation".
    The documentation does not define several audiences without `azp`, so such a token is refused.
    """
    head, claims, signed, signature = _split(token)
    host = _host(claims)
    provider = _provider(host, account)
    audiences = [str(claims["azp"])] if "azp" in claims else _audiences(claims)
    if len(audiences) != 1 or audiences[0] not in provider.get("ClientIDList", []):
        raise TokenError("InvalidIdentityToken", "Incorrect token audience")
    _check_signature(host, head, signed, signature)
    now = time.time()
    if float(claims.get("exp", 0)) < now:
        raise TokenError(
            "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time"
        )
    if float(claims.get("nbf", 0)) > now + 60:
        raise TokenError("InvalidIdentityToken", "The ID Token is not valid yet")
    return {**claims, "aud": audiences[0]}


def principal(token: str, provider_id: str, role_arn: str) -> tuple[str, dict[str, Any]]:  # noqa: ARG001 - the signature of the replaced function
    """Returns the federated principal of a token, and a condition key for each of its claims."""
    partition, account = role_arn.split(":")[1], role_arn.split(":")[4]
    claims = verify(token, account)
    host = _host(claims)
    keys = {f"{host}:{name}".lower(): value for name, value in claims.items() if isinstance(value, str | int | list)}
    return f"arn:{partition}:iam::{account}:oidc-provider/{host}", keys


def install() -> None:
    """Verify tokens before the trust policy is evaluated."""
    original = sts._web_identity_trust_denied

    def checked(role_arn: str, params: Mapping[str, Any], use_json: bool) -> object:
        try:
            return original(role_arn, params, use_json)
        except TokenError as error:
            return sts._error(400, error.code, str(error), ns="sts")

    sts._web_identity_trust_denied = checked
    sts._web_identity_principal = principal
