"""An OIDC token issuer for the local cloud, in place of GitHub's: its keys are on disk, its tokens signed with them.

AWS would fetch an issuer's keys over the Internet. Here they are in `<state>/oidc/<issuer>.jwks.json`, the JSON
document that an issuer publishes; without that file every token of the issuer is rejected.

    python -m localcloud.iam.issuer token.actions.githubusercontent.com sub=repo:owner/name:ref:refs/heads/main ...
"""

from __future__ import annotations

import base64
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GITHUB = "token.actions.githubusercontent.com"
_LIFETIME_SECONDS = 300


def _folder() -> Path:
    return Path(os.environ.get("LOCALCLOUD_STATE", ".localcloud")) / "oidc"


def _file(host: str, suffix: str) -> Path:
    return _folder() / f"{host.replace('/', '%2F')}{suffix}"


def published_keys(host: str) -> list[dict[str, Any]]:
    """Returns the signing keys that an issuer publishes; an empty list if the issuer has no file."""
    try:
        keys: list[dict[str, Any]] = json.loads(_file(host, ".jwks.json").read_text())["keys"]
    except FileNotFoundError:
        return []
    return keys


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _encoded(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Issuer:
    """An issuer whose private key is stored beside its public key."""

    def __init__(self, host: str = GITHUB) -> None:
        self.host = host
        self._key = self._load() or self._create()

    def _load(self) -> rsa.RSAPrivateKey | None:
        path = _file(self.host, ".pem")
        if not path.exists():
            return None
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        return key if isinstance(key, rsa.RSAPrivateKey) else None

    def _create(self) -> rsa.RSAPrivateKey:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = key.public_key().public_numbers()
        _folder().mkdir(parents=True, exist_ok=True)
        pem = _file(self.host, ".pem")
        pem.touch(mode=0o600)
        pem.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        published = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "local"}
        published |= {"n": _number(numbers.n), "e": _number(numbers.e)}
        _file(self.host, ".jwks.json").write_text(json.dumps({"keys": [published]}))
        return key

    def token(self, **claims: Any) -> str:
        """Returns a signed token; issuer, audience and dates have defaults."""
        now = int(time.time())
        body = {
            "iss": f"https://{self.host}",
            "aud": "sts.amazonaws.com",
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME_SECONDS,
            **claims,
        }
        head = _encoded(json.dumps({"alg": "RS256", "typ": "JWT", "kid": "local"}).encode())
        signed = f"{head}.{_encoded(json.dumps(body).encode())}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encoded(signature)}"


def main(arguments: list[str]) -> None:
    """Print a token with the claims given as name=value."""
    host, *claims = arguments
    sys.stdout.write(Issuer(host).token(**dict(claim.split("=", 1) for claim in claims)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
