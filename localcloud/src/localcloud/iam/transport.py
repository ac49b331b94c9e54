"""The loopback stands for AWS's TLS endpoints: every request counts as encrypted.

Without this, each bucket policy that refuses plain HTTP (the staging bucket of the CDK first) refuses everybody.
"""

from __future__ import annotations

from ministack import app

SYMBOLS: tuple[str, ...] = ("ministack.app:pin_request_origin",)


def install() -> None:
    """Report TLS for every request; the rest of its origin stays as it is."""
    plain = app.pin_request_origin

    def pinned(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - the seam's signature
        plain(source_ip, secure_transport=True)

    app.pin_request_origin = pinned
