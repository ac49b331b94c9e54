"""Who is answered: programs of this machine, under its own names, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.asgi import Application, Message, Receive, Send
from slipway_cli.console.site import alone, beside
from slipway_cli.console.web import BASE
from tests.slipway_cli.console.account import Account, Desk


async def cloud(_scope: Message, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the cloud"})


def ask(
    application: Application,
    path: str = BASE,
    *,
    host: str = "localhost:4701",
    client: Any = ("127.0.0.1", 1),
    body: bytes = b"",
    **headers: str,
) -> tuple[int, bytes]:
    given = [(name.encode(), value.encode()) for name, value in {"host": host, **headers}.items()]
    scope = {"type": "http", "method": "GET", "path": path, "headers": given, "client": client, "query_string": b""}
    parts: Iterator[Message] = iter([{"type": "http.request", "body": body}])
    sent: list[Message] = []

    async def receive() -> Message:
        return next(parts)

    async def send(message: Message) -> None:
        sent.append(message)

    async def asked() -> None:
        await application(scope, receive, send)

    asyncio.run(asked())
    return sent[0]["status"], sent[1]["body"]


@pytest.mark.parametrize("host", ["localhost", "localhost:4701", "127.0.0.1:4701", "[::1]:4701", "LOCALHOST."])
def test_this_machines_names_are_answered(desk: Desk, host: str) -> None:
    for application in (beside(cloud, desk.console), alone(desk.console)):
        status, body = ask(application, host=host)
        assert status == 200
        assert b"<h1>Pipelines</h1>" in body


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:4701", "e123.cloudfront.localhost:4701", ""])
def test_a_page_from_elsewhere_cannot_reach_it_under_a_name_of_its_own(desk: Desk, host: str) -> None:
    assert ask(beside(cloud, desk.console), host=host) == (200, b"the cloud")
    assert ask(alone(desk.console), host=host)[0] == 421


@pytest.mark.parametrize("client", [None, ("10.0.0.7", 1), ("", 0)])
def test_a_container_cannot_approve_itself(desk: Desk, client: Any) -> None:
    assert ask(beside(cloud, desk.console), client=client) == (200, b"the cloud")
    assert ask(alone(desk.console), client=client)[0] == 421


@pytest.mark.parametrize("path", ["/", "/codesuite", "/codesuite/codepipeline/pipelinesx", "/bucket/key"])
def test_other_addresses_are_the_clouds(desk: Desk, path: str) -> None:
    assert ask(beside(cloud, desk.console), path) == (200, b"the cloud")


def test_a_signed_request_is_for_a_bucket_of_that_name(desk: Desk) -> None:
    application = beside(cloud, desk.console)
    assert ask(application, authorization="AWS4-HMAC-SHA256 Credential=x") == (200, b"the cloud")


def test_the_address_in_an_approvals_message_leads_to_the_pipelines(desk: Desk) -> None:
    assert ask(beside(cloud, desk.console), "/codepipeline/home")[0] == 303


def test_a_body_beyond_any_form_is_refused(desk: Desk) -> None:
    assert ask(alone(desk.console), body=b"x" * 100_001)[0] == 413


def test_a_fault_of_ours_is_no_stack_trace(account: Account, desk: Desk) -> None:
    def fault(_given: Any) -> dict[str, Any]:
        raise RuntimeError("canary")

    account.on("codepipeline.ListPipelines", fault)
    status, body = ask(alone(desk.console))
    assert status == 500
    assert b"canary" not in body
