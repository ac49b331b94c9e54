"""A task that is to stop gets no new request; it is told to stop when the open ones are answered.

As on ECS: deregistration from a target group ends when nothing is open, at the latest after the group's delay.
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
_HANDED_OUT_SECONDS = 0.1  # a request that was given the target just before it left is counted by then

_changed = threading.Condition()
_open: Counter[str] = Counter()


@contextmanager
def using(address: str) -> Iterator[None]:
    """A request or a WebSocket is open at the target of this address."""
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
    """Seconds that the slowest of these target groups lets open requests finish; 0 without a group."""
    return max((_delay(group) for group in groups), default=0)


def _delay(group: str) -> int:
    attributes = {each.get("Key"): each.get("Value") for each in alb._tg_attrs.get(group, [])}
    return int(attributes.get("deregistration_delay.timeout_seconds", _DEFAULT_DELAY))


def wait(address: str, seconds: float) -> bool:
    """Wait until nothing is open at the address, at most that long; answers whether nothing is."""
    time.sleep(min(seconds, _HANDED_OUT_SECONDS))
    with _changed:
        return _changed.wait_for(lambda: not _open[address], timeout=seconds)


Forward = Callable[..., Awaitable[tuple[int, Mapping[str, Any], Any]]]


def _counted(forward: Forward) -> Forward:
    """Forward to a target, and count until the last byte of the answer."""

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
    """Count what load balancers forward."""
    alb._proxy_http_target = _counted(alb._proxy_http_target)
