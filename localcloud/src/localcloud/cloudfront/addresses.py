"""URLs of distributions in the outputs of stacks, which a local browser can open.

They replace `https://….cloudfront.net` and the URL of a distribution's own domain.
"""

from __future__ import annotations

import re
from typing import Any

from ministack.services import cloudfront
from ministack.services.cloudformation import stacks

from localcloud import settings
from localcloud.cloudfront import sitenames

SYMBOLS: tuple[str, ...] = (
    *sitenames.SYMBOLS,
    "ministack.services.cloudformation.stacks:_resolve_stack_outputs",
    "ministack.services.cloudfront:_distributions",
)

_ON_AWS = re.compile(r"^https://([a-z0-9]+)\.cloudfront\.net(?=/|$)")
_URL = re.compile(r"^https://([a-z0-9.-]+)(?=/|$)")
_HERE = re.compile(r"\bhttp://([a-z0-9]+)\.cloudfront\.localhost(?=:\d)")


def reachable(address: str) -> str:
    """Returns the local URL of a distribution, also for a URL with its domain; any other text is returned unchanged."""
    return _ON_AWS.sub(rf"http://\1.cloudfront.localhost:{settings.current().port}", _without_domain(address))


def _without_domain(address: str) -> str:
    """Returns a URL with CloudFront's name in place of the domain of one of the account's distributions."""
    found = _URL.match(address)
    if found is None:
        return address
    for distribution in cloudfront._distributions.values():
        if found[1] in cloudfront._get_distribution_aliases(distribution):
            return f"https://{distribution['DomainName']}{address.removeprefix(found[0])}"
    return address


def in_a_container(text: str) -> str:
    """Returns the URL for a container, where Chromium would resolve every name below localhost to the container."""
    return _HERE.sub(r"http://\1.cloudfront.net", text)


def install() -> None:
    """Return local URLs in the outputs of stacks."""
    original = stacks._resolve_stack_outputs

    def resolving(*args: Any, **more: Any) -> Any:
        outputs, exports = original(*args, **more)
        local = [{**output, "OutputValue": reachable(output["OutputValue"])} for output in outputs]
        return local, exports

    stacks._resolve_stack_outputs = resolving
