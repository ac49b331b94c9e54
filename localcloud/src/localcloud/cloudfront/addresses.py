"""URLs of distributions: stack outputs with `https://….cloudfront.net` get a URL that a local browser can open."""

from __future__ import annotations

import re
from typing import Any

from ministack.services.cloudformation import stacks

from localcloud import settings

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudformation.stacks:_resolve_stack_outputs",)

_ON_AWS = re.compile(r"^https://([a-z0-9]+)\.cloudfront\.net(?=/|$)")
_HERE = re.compile(r"\bhttp://([a-z0-9]+)\.cloudfront\.localhost(?=:\d)")


def reachable(address: str) -> str:
    """Returns the local URL of a distribution; any other text is returned unchanged."""
    return _ON_AWS.sub(rf"http://\1.cloudfront.localhost:{settings.current().port}", address)


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
