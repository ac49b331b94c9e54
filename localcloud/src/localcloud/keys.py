"""The root access keys of the local cloud's accounts: random per state folder, and written to its `local.env`.

An access key ID contains its account, as on AWS, and is derived from the folder's secret. Whoever can read that file
can act as the root user of every account in the cloud; nobody else can create a valid key.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localcloud.settings import Settings

_KEY = re.compile(r"AKIA([A-Z2-7]{8})[A-Z2-7]{8}")
_SECRET_BYTES = 30  # 40 characters in base 64, as long as AWS's
_ID_BYTES = 5  # 12 decimal digits fit into 40 bits, which are 8 characters of base 32


@dataclass(frozen=True)
class RootKey:
    """The access key of an account's root user."""

    access_key_id: str
    secret_access_key: str

    def credentials(self) -> dict[str, str]:
        """Returns the key with STS's names for the members of credentials."""
        return {"AccessKeyId": self.access_key_id, "SecretAccessKey": self.secret_access_key}

    def variables(self) -> dict[str, str]:
        """Returns the key as the environment variables that SDKs read."""
        return {"AWS_ACCESS_KEY_ID": self.access_key_id, "AWS_SECRET_ACCESS_KEY": self.secret_access_key}


def env_file(settings: Settings) -> Path:
    """Returns the path of the file to source, which contains the root key of the cloud's own account."""
    return settings.state / "local.env"


def root(settings: Settings, account: str = "") -> RootKey:
    """Returns the root key of `account`, by default of the cloud's own; creates the folder's secret if needed."""
    secret, account = _secret(settings.state / "root.secret"), account or settings.account
    return RootKey(_key_id(secret, account), base64.urlsafe_b64encode(_digest(secret, "secret", account)).decode())


def account_of(settings: Settings, access_key_id: str) -> str | None:
    """Returns the account of a root access key, or None if it is not a root key of this cloud."""
    found = _KEY.fullmatch(access_key_id)
    if found is None:
        return None
    account = f"{int.from_bytes(base64.b32decode(found[1])):012d}"
    valid = len(account) == 12 and hmac.compare_digest(root(settings, account).access_key_id, access_key_id)  # noqa: PLR2004 - the digits of an account
    return account if valid else None


def write(path: Path, text: str) -> None:
    """Writes a file that only its owner can read, even while it is being written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)
    temporary.replace(path)


@cache
def _secret(path: Path) -> str:
    if not path.exists():
        proposal = path.with_name(f"{path.name}.{os.getpid()}.proposal")
        write(proposal, secrets.token_urlsafe(_SECRET_BYTES))
        with contextlib.suppress(FileExistsError):  # another process was first, and its secret is used
            path.hardlink_to(proposal)
        proposal.unlink()
    return path.read_text(encoding="utf-8")


def _digest(secret: str, purpose: str, account: str) -> bytes:
    return hmac.new(secret.encode(), f"{purpose} of {account}".encode(), hashlib.sha256).digest()[:_SECRET_BYTES]


def _key_id(secret: str, account: str) -> str:
    number, proof = int(account).to_bytes(_ID_BYTES), _digest(secret, "key", account)[:_ID_BYTES]
    return f"AKIA{base64.b32encode(number).decode()}{base64.b32encode(proof).decode()}"
