"""A defect of a handler reaches clients as the internal error that their SDK retries."""

from __future__ import annotations

import asyncio
from typing import Any

import botocore.parsers
import botocore.session
import pytest
from ministack import app

from localcloud import wire_errors

DEFECT = (500, {"Content-Type": "application/json"}, b'{"__type": "InternalError", "message": "a < b"}')


def answered(monkeypatch: pytest.MonkeyPatch, scope: str, answer: Any) -> tuple[int, dict[str, str], bytes]:
    """Returns what a client of a service gets for MiniStack's answer."""

    async def dispatch(*_: Any) -> Any:
        return answer

    monkeypatch.setattr(app, "_dispatch_service_request", dispatch)
    wire_errors.install()
    headers = {"authorization": f"AWS4-HMAC-SHA256 Credential=AKIA/20261130/us-east-1/{scope}/aws4_request, x"}
    found: tuple[int, dict[str, str], bytes] = asyncio.run(
        app._dispatch_service_request("POST", "/", headers, b"", {}, "1")
    )
    return found


@pytest.mark.parametrize(
    ("service", "scope", "code"),
    [
        ("sts", "sts", "InternalFailure"),
        ("ec2", "ec2", "InternalError"),
        ("s3", "s3", "InternalError"),
        ("cloudformation", "cloudformation", "InternalFailure"),
        ("elbv2", "elasticloadbalancing", "InternalFailure"),
        ("cloudfront", "cloudfront", "InternalFailure"),
        ("ecs", "ecs", "InternalFailure"),
        ("ssm", "ssm", "InternalFailure"),
    ],
)
def test_clients_of_every_protocol_parse_the_error_of_a_defect(
    monkeypatch: pytest.MonkeyPatch, service: str, scope: str, code: str
) -> None:
    status, headers, body = answered(monkeypatch, scope, DEFECT)

    protocol = botocore.session.get_session().get_service_model(service).metadata["protocol"]
    parser = botocore.parsers.create_parser(protocol)
    error = parser.parse({"status_code": status, "headers": headers, "body": body}, None)["Error"]
    assert (status, error["Code"], error["Message"]) == (500, code, "a < b")


def test_other_answers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    others: list[Any] = [(200, {}, DEFECT[2]), (500, {}, b"<Error/>"), (500, {}, None)]
    for answer in others:
        assert answered(monkeypatch, "sts", answer) == answer
