"""Who may do what: the corrections that make IAM enforcement hold in the local cloud.

MiniStack evaluates policies well. What it lacks is on the way there: the loopback counts as plain HTTP, some
resources are named wrongly or not at all, handing a role to a service is not checked, web identity tokens are
believed unread, and CloudFormation acts for free. Each idea has its module.
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
    """Put every correction in place; the order is that of a request through them."""
    for part in _PARTS:
        part.install()
