"""Where sites are found: an output that says `https://….cloudfront.net` says here what a browser can open."""

from __future__ import annotations

import re
from typing import Any

from ministack.services.cloudformation import stacks

from localcloud import settings

SYMBOLS: tuple[str, ...] = ("ministack.services.cloudformation.stacks:_resolve_stack_outputs",)

_ON_AWS = re.compile(r"^https://([a-z0-9]+)\.cloudfront\.net(?=/|$)")
_HERE = re.compile(r"\bhttp://([a-z0-9]+)\.cloudfront\.localhost(?=:\d)")


def reachable(address: str) -> str:
    """The address of a distribution as this host opens it; any other text as it is."""
    return _ON_AWS.sub(rf"http://\1.cloudfront.localhost:{settings.current().port}", address)


def in_a_container(text: str) -> str:
    """The same for a container: Chromium takes every name below localhost for its own machine."""
    return _HERE.sub(r"http://\1.cloudfront.net", text)


def install() -> None:
    """Tell addresses of this machine in the outputs of stacks."""
    plain = stacks._resolve_stack_outputs

    def resolving(*args: Any, **more: Any) -> Any:
        outputs, exports = plain(*args, **more)
        told = [{**output, "OutputValue": reachable(output["OutputValue"])} for output in outputs]
        return told, exports

    stacks._resolve_stack_outputs = resolving
