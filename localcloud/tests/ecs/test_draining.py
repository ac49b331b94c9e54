"""Open requests to a target are counted until the last byte of the response."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from ministack.core.responses import StreamingResponse
from ministack.services import alb

from localcloud.ecs import draining

TARGET = {"Id": "10.0.0.7"}


async def _received() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def _sent(_message: dict[str, Any]) -> None:
    return None


def idle() -> bool:
    return draining.wait(TARGET["Id"], 0.01)


def test_a_request_is_open_until_its_response_is_fully_streamed() -> None:
    seen: list[bool] = []

    async def forward(_target: Any) -> tuple[int, dict[str, str], Any]:
        seen.append(idle())

        async def run(_send: Any, _receive: Any) -> None:
            seen.append(idle())

        return 200, {}, StreamingResponse(run)

    async def request() -> None:
        status, _headers, body = await draining._counted(forward)(TARGET)
        assert status == 200
        seen.append(idle())
        await body.runner(_sent, _received)

    asyncio.run(request())
    assert seen == [False, False, False]
    assert idle()


def test_a_request_without_a_stream_ends_with_its_response() -> None:
    async def forward(_target: Any) -> tuple[int, dict[str, str], Any]:
        return 502, {}, b"no"

    assert asyncio.run(draining._counted(forward)(TARGET))[0] == 502  # type: ignore[arg-type]  # a coroutine
    assert idle()


def test_a_cancelled_request_is_no_longer_open() -> None:
    async def forward(_target: Any) -> tuple[int, dict[str, str], Any]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(draining._counted(forward)(TARGET))  # type: ignore[arg-type]  # a coroutine
    assert idle()


def test_the_longest_deregistration_delay_counts_and_elbs_default_if_none_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    attributes = {"quick": [{"Key": "deregistration_delay.timeout_seconds", "Value": "0"}]}
    monkeypatch.setattr(alb, "_tg_attrs", attributes)
    assert draining.delay([]) == 0
    assert draining.delay(["quick"]) == 0
    assert draining.delay(["quick", "default"]) == 300
