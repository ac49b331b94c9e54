"""A local cloud that is killed or reset while a command runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ssm.conftest import HERE, Managed
from tests.ssm.samples import command, invocation, shell, statuses

from localcloud import process
from localcloud.settings import Settings
from localcloud.testing.cloud import until
from localcloud.testing.plain import free_port

pytestmark = pytest.mark.local


@pytest.fixture
def own(tmp_path: Path, common: Settings) -> Iterator[Managed]:
    extensions = ("tests.ssm.process_hosts",)
    state = tmp_path / "cloud"
    chosen = replace(common, port=free_port(), state=state, docker=False, extensions=extensions, extensions_from=HERE)
    process.start(chosen)
    yield Managed(chosen)
    process.stop(chosen)


def running(own: Managed) -> tuple[str, str]:
    """Returns a command that runs, and its node."""
    host = own.host()
    sent = shell(own, host, "sleep 5")
    until("it runs", lambda: invocation(own, sent, host)["Status"] == "InProgress")
    return sent, host


def test_after_kill_9_the_invocation_has_failed_and_names_the_reason(own: Managed) -> None:
    sent, host = running(own)
    pid = process.running(own.settings)
    assert pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    process.start(own.settings)
    assert command(own, sent)["Status"] == "Failed"
    assert statuses(own, sent) == {host: "Failed"}
    found = invocation(own, sent, host)
    assert (found["Status"], found["ResponseCode"]) == ("Failed", -1)
    assert "local cloud was restarted" in found["StandardErrorContent"]


def test_a_reset_ends_and_deletes_commands_also_on_disk(own: Managed) -> None:
    running(own)
    assert process.reset(own.settings)
    assert own.client("ssm").list_commands()["Commands"] == []
    assert list((own.state / "commands").glob("*.json")) == []
