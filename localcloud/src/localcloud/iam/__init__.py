"""IAM: the corrections that make MiniStack's policy enforcement behave like AWS's.

MiniStack evaluates policies correctly, but its requests reach the evaluation with errors: requests over loopback count
as plain HTTP, some resources have a wrong ARN or none, iam:PassRole is not checked, web identity tokens are accepted
unverified, and CloudFormation acts without any role. Each correction has a module of its own.
"""

from __future__ import annotations

from localcloud.iam import (
    conditions,
    decisions,
    denials,
    deployment,
    passing,
    principals,
    resource_arns,
    root,
    sessions,
    transport,
    web_identity,
)

__all__ = ["SYMBOLS", "install"]

_PARTS = (
    root,
    decisions,
    transport,
    principals,
    conditions,
    resource_arns,
    passing,
    denials,
    sessions,
    web_identity,
    deployment,
)

SYMBOLS: tuple[str, ...] = tuple(dict.fromkeys(symbol for part in _PARTS for symbol in part.SYMBOLS))


def install() -> None:
    """Install every correction, in the order in which a request passes them."""
    for part in _PARTS:
        part.install()
