"""Connection draining: a stopping task gets no new requests, and SIGTERM only when its open requests are answered.

As on ECS, deregistration from a target group ends when no request is open, at the latest after the group's delay.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ministack.core.responses import StreamingResponse
from ministack.services import alb

SYMBOLS = (
    "ministack.core.responses:StreamingResponse",
    "ministack.services.alb:_proxy_http_target",
    "ministack.services.alb:_tg_attrs",
)

_DEFAULT_DELAY = 300  # seconds, https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html
_ROUTING_SECONDS = 0.1  # within that time, a request routed just before the deregistration is counted as open

_changed = threading.Condition()
_open: Counter[str] = Counter()


@contextmanager
def using(address: str) -> Iterator[None]:
    """Count a request or a WebSocket as open at a target's address."""
    _count(address, 1)
    try:
        yield
    finally:
        _count(address, -1)


def _count(address: str, change: int) -> None:
    with _changed:
        _open[address] += change
        if not _open[address]:
            del _open[address]
        _changed.notify_all()


def delay(groups: Iterable[str]) -> int:
    """Returns the longest deregistration delay of the target groups, in seconds; 0 without a group."""
    return max((_delay(group) for group in groups), default=0)


def _delay(group: str) -> int:
    attributes = {attribute.get("Key"): attribute.get("Value") for attribute in alb._tg_attrs.get(group, [])}
    return int(attributes.get("deregistration_delay.timeout_seconds", _DEFAULT_DELAY))


def wait(address: str, seconds: float) -> bool:
    """Waits until no request is open at the address; returns False if one still is after the given time."""
    time.sleep(min(seconds, _ROUTING_SECONDS))
    with _changed:
        return _changed.wait_for(lambda: not _open[address], timeout=seconds)


Forward = Callable[..., Awaitable[tuple[int, Mapping[str, Any], Any]]]


def _counted(forward: Forward) -> Forward:
    """Counts each forwarded request as open until the last byte of its response is sent."""

    async def counting(target: Mapping[str, Any], *rest: Any, **named: Any) -> tuple[int, Mapping[str, Any], Any]:
        address = str(target.get("Id", ""))
        _count(address, 1)
        try:
            status, headers, body = await forward(target, *rest, **named)
        except BaseException:
            _count(address, -1)
            raise
        if not isinstance(body, StreamingResponse):
            _count(address, -1)
            return status, headers, body

        async def run(send: Any, receive: Any) -> None:
            try:
                await body.runner(send, receive)
            finally:
                _count(address, -1)

        return status, headers, StreamingResponse(run)

    return counting


def install() -> None:
    """Count the requests that load balancers forward."""
    alb._proxy_http_target = _counted(alb._proxy_http_target)
