"""What differs from what is deployed, asked of the local cloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.testing.plain import ACCOUNT, REGION, Plain, plain, unique
from slipway_cli.main import main
from slipway_cli.review.assembly import Assembly, Stack
from slipway_cli.review.deployed import deployed
from slipway_cli.review.errors import ReviewError
from tests.slipway_cli.review.test_command import assembly

__all__ = ["plain"]

pytestmark = pytest.mark.local
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"VisibilityTimeout": 30}}


@pytest.fixture
def account(plain: Plain, monkeypatch: pytest.MonkeyPatch) -> Plain:
    """The environment in which the AWS SDK finds the local cloud."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", plain.url)
    for name, value in plain.key.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return plain


def stack(name: str, timeout: int = 30) -> Stack:
    resources = {"Q": {**QUEUE, "Properties": {"VisibilityTimeout": timeout}}}
    return Stack(name, "production", ACCOUNT, REGION, {"Resources": resources}, {"Q": "Jobs"})


def test_a_deployed_stack_is_read_as_it_was_deployed_and_an_absent_one_is_new(account: Plain) -> None:
    there = stack(unique("shop"), timeout=60)
    account.deploy(dict(there.template), there.name)

    found, unread = deployed(Assembly((stack(there.name), stack(unique("absent")))))

    assert [(it.name, it.template) for it in found.stacks] == [(there.name, there.template)]
    assert unread == {}


def test_the_command_says_what_differs_from_what_is_deployed(
    account: Plain, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = unique("shop")
    account.deploy(dict(stack(name, timeout=60).template), name)
    folders = [assembly(tmp_path / side, {"Q": QUEUE}, name=name) for side in ("before", "after")]
    arguments = ["--before", str(folders[0]), "--after", str(folders[1]), "--output", str(tmp_path / "out")]

    assert main(["review", "--product", "allthrive", *arguments, "--deployed"]) == 0

    said = capsys.readouterr().out
    assert "## Nothing changes" in said
    assert "Compared with what is deployed: 1 stack changes" in said
    assert "visibility timeout `60` → `30`" in said


def test_an_account_that_does_not_answer_is_bad_input(account: Plain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(ReviewError, match="what is deployed cannot be asked for: Could not connect"):
        deployed(Assembly((stack("shop"),)))
