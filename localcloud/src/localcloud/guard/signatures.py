"""Checks the signatures of administrative requests (`signing.py` creates them)."""

from __future__ import annotations

from ministack.core import sigv4

from localcloud import keys, settings
from localcloud.guard.head import Head, RefusedError
from localcloud.signing import SERVICE

SYMBOLS: tuple[str, ...] = (
    "ministack.core.sigv4:header_signature_failure",
    "ministack.core.sigv4:parse_header_signature",
    "ministack.core.sigv4:request_time_failure",
)


def verify(head: Head, body: bytes) -> None:
    """Checks that the request is signed with the root key.

    Raises:
        RefusedError: if it is not.
    """
    chosen = settings.current()
    if head.container:
        raise RefusedError(f"{head.path} is for programs on this machine, and not for containers")
    signature = sigv4.parse_header_signature(head.headers)
    if isinstance(signature, tuple):
        raise RefusedError(f"{head.path} needs a signature of the root key: source {keys.env_file(chosen)}")
    account = keys.account_of(chosen, signature.access_key_id)
    if account is None or signature.service != SERVICE:
        raise RefusedError(f"{head.path} needs a root key of this cloud and the service {SERVICE} in its signature")
    secret = keys.root(chosen, account).secret_access_key
    failure = sigv4.request_time_failure(signature) or sigv4.header_signature_failure(
        signature, secret, head.method, head.raw_path, head.parameters, dict(head.headers), body
    )
    if failure is not None:
        raise RefusedError(f"{head.path}: {failure[1]}".replace("\n", " "))
