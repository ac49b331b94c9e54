"""Compares with the deployed stacks, on the local cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, unique
from slipway_cli.review.__main__ import main
from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.deployed import deployed
from slipway_cli.review.errors import ReviewError
from tests.slipway_cli.review.test_command import assembly

__all__ = ["plain"]

pytestmark = pytest.mark.local
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}


@pytest.fixture
def account(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> Plain:
    """Returns an account of the local cloud, and points the AWS SDK to it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", plain.url)
    for name, value in plain.key.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return plain


def stack(name: str, timeout: int = 30) -> Stack:
    resources = {"Q": {**QUEUE, "Properties": {"VisibilityTimeout": timeout}}}
    return Stack(name, "production", ACCOUNT, REGION, {"Resources": resources}, {"Q": "Jobs"})


def test_a_deployed_stack_is_read_as_it_was_deployed_and_an_absent_one_is_new(account: Plain) -> None:
    expected = stack(unique("shop"), timeout=60)
    account.deploy(dict(expected.template), expected.name)

    found, unread = deployed(Assembly((stack(expected.name), stack(unique("absent")))))

    assert [(stack.name, stack.template) for stack in found.stacks] == [(expected.name, expected.template)]
    assert unread == {}


def test_the_command_says_what_differs_from_what_is_deployed(
    account: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = unique("shop")
    account.deploy(dict(stack(name, timeout=60).template), name)
    folders = [assembly(tmp_path / side, {"Q": QUEUE}, name=name) for side in ("before", "after")]
    arguments = ["--before", str(folders[0]), "--after", str(folders[1]), "--output", str(tmp_path / "out")]

    assert main([*arguments, "--deployed"]) == 0

    output = capsys.readouterr().out
    assert "## Nothing changes" in output
    assert "Compared with the deployed stacks: 1 stack changes" in output
    assert "visibility timeout `60` → `30`" in output


def test_an_account_that_does_not_answer_is_bad_input(account: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(ReviewError, match="the deployed templates cannot be read: Could not connect"):
        deployed(Assembly((stack("shop"),)))
