"""Finds a distribution in any account, and serves it with the resources of its account.

Names of distributions are unique on AWS, and a visitor has no account. Products of several accounts may be deployed
here, so it need not be the one in the cloud's settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ministack.core import responses
from ministack.services import cloudfront

SYMBOLS: tuple[str, ...] = (
    "ministack.core.responses:get_region",
    "ministack.core.responses:request_scope",
    "ministack.services.cloudfront:_distributions",
)

# In the domain name of a load balancer, which is the origin.
_REGION = re.compile(r"\.([a-z]{2}(?:-[a-z]+)+-\d)\.elb\.amazonaws\.com")


def find(label: str) -> dict[str, Any] | None:
    """Returns the distribution with an ID, or whose own domain name begins with a label."""
    name, domain = label.lower(), f"{label.lower()}.cloudfront.net"
    for (_, identity), distribution in list(cloudfront._distributions._data.items()):
        if identity.lower() == name or str(distribution["DomainName"]).lower() == domain:
            found: dict[str, Any] = distribution
            return found
    return None


@contextmanager
def scope(distribution: Mapping[str, Any]) -> Iterator[None]:
    """Uses the resources of the distribution's account, and of its origin's region, during the `with` block."""
    region = _REGION.search(str(distribution.get("config_xml", "")))
    account = str(distribution["ARN"]).split(":")[4]
    with responses.request_scope(account, region[1] if region else responses.get_region()):
        yield
