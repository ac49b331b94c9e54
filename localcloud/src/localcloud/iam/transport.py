"""Every request counts as sent over TLS, since loopback replaces AWS's TLS endpoints.

Otherwise bucket policies that refuse plain HTTP, such as that of the CDK's staging bucket, would refuse all requests.
"""

from __future__ import annotations

from ministack import app

SYMBOLS: tuple[str, ...] = ("ministack.app:pin_request_origin",)


def install() -> None:
    """Report TLS for every request, and leave its source address unchanged."""
    original = app.pin_request_origin

    def pinned(source_ip: str, secure_transport: bool) -> None:  # noqa: ARG001 - the signature of the replaced function
        original(source_ip, secure_transport=True)

    app.pin_request_origin = pinned
