"""A command by hand on a host runs in the container of the migration's service, on the first host."""

from __future__ import annotations

from typing import Any

import pytest

from products import load
from slipway_cli.release import host_commands
from slipway_cli.release.errors import ReleaseError
from slipway_cli.release.host_commands import run_on_host
from slipway_cli.release.target import Target
from tests.support.fake_aws import FakeAws

HOSTS = {"i-00000000000000002": "production-ame-timesheets-2", "i-00000000000000001": "production-ame-timesheets-1"}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_commands, "_POLL_SECONDS", 0)


@pytest.fixture(name="target")
def _target() -> Target:
    return Target(load("ame-timesheets"), "production")


def hosts(aws: FakeAws, found: dict[str, str]) -> None:
    items = "".join(
        f"<item><instancesSet><item><instanceId>{host}</instanceId><tagSet><item><key>Name</key><value>{name}</value>"
        "</item></tagSet></item></instancesSet></item>"
        for host, name in found.items()
    )
    answer = f"<DescribeInstancesResponse><reservationSet>{items}</reservationSet></DescribeInstancesResponse>"
    aws.on("ec2.DescribeInstances", lambda _: answer)


def ends(aws: FakeAws, *statuses: str, output: str = "") -> None:
    """Prepares a command that has these statuses, one after the other; the first is none yet."""
    left: list[list[dict[str, Any]]] = [
        [],
        *([{"Status": status, "StatusDetails": status, "CommandPlugins": [{"Output": output}]}] for status in statuses),
    ]
    aws.on("ssm.SendCommand", lambda _: {"Command": {"CommandId": "0" * 36}})
    aws.on("ssm.ListCommandInvocations", lambda _: {"CommandInvocations": left.pop(0)})


def test_the_first_host_runs_it_in_the_container_of_the_migrations_service(aws: FakeAws, target: Target) -> None:
    hosts(aws, HOSTS)
    ends(aws, "InProgress", "Success")

    run_on_host(target, ["sh", "-c", "python manage.py one && python manage.py two"])

    sent = next(given for name, given in aws.calls if name == "ssm.SendCommand")
    (script,) = sent["Parameters"]["commands"]
    assert sent["InstanceIds"] == ["i-00000000000000001"]
    assert "label=com.docker.compose.service=backend" in script
    assert script.endswith("""exec "$container" sh -c 'python manage.py one && python manage.py two'""")


def test_a_command_that_fails_raises_with_the_end_of_its_output(aws: FakeAws, target: Target) -> None:
    hosts(aws, HOSTS)
    ends(aws, "Failed", output="CommandError: no shelf\n")

    with pytest.raises(ReleaseError, match=r"'seed' on i-0{16}1: Failed\nCommandError: no shelf"):
        run_on_host(target, ["seed"])


def test_without_a_running_host_nothing_is_sent(aws: FakeAws, target: Target) -> None:
    hosts(aws, {})

    with pytest.raises(ReleaseError, match="no host of production runs"):
        run_on_host(target, ["seed"])
    assert "ssm.SendCommand" not in aws.names()
