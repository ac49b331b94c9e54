"""A release reaches all hosts, one after the other, or none; a failure names the host, the cause and what runs now."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from tests.support.fake_hosts import BUNDLE, STACK, FakeHost
from tests.support.host_releases import NEW, RECORD, RELEASE, deployment, first, old, run


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_release_reaches_host_after_host(count: int) -> None:
    action = run(deployment(count))

    assert (action.status, action.accepted) == ("Succeeded", 1), action.message
    assert action.sent() == [("apply", f"host-{number}") for number in range(1, count + 1)]
    assert action.released == [NEW] * count
    assert action.summary == f"{count} of {count} hosts run 1.1.0"
    assert {host.balanced for host in action.hosts.values()} == {"healthy"}


def test_the_hosts_find_bundle_record_and_later_the_current_release_in_the_bucket() -> None:
    action = run(deployment())

    assert action.objects[f"bundles/{RELEASE['bundle']}.tar.gz"] == BUNDLE
    assert action.objects[f"releases/{NEW}.json"] == RECORD
    assert action.objects["current.json"] == RECORD


def test_the_only_host_stays_behind_the_load_balancer() -> None:
    action = run(deployment(1))

    assert "elasticloadbalancingv2.DeregisterTargets" not in action.names()


def test_hosts_without_a_load_balancer_are_released_too() -> None:
    action = deployment()
    del action.outputs[STACK]["TargetGroupArn"]
    for host in action.hosts.values():
        host.balanced = "unused"

    run(action)

    assert (action.status, action.released) == ("Succeeded", [NEW, NEW])


@pytest.mark.parametrize("fails", ["restored", "broken"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_host_that_fails_returns_all_hosts_to_the_release_before(fails: str, at: int) -> None:
    action = deployment(3)
    list(action.hosts.values())[at - 1].fails = fails

    run(action)

    assert action.status == "Failed"
    assert action.released == [old(action)] * 3
    assert action.objects["current.json"] == action.old
    assert {host.balanced for host in action.hosts.values()} == {"healthy"}
    applied = [name for step, name in action.sent("apply")]
    assert applied == [f"host-{number}" for number in range(1, at + 1)]
    restored = [name for step, name in action.sent("restore")]
    assert restored == [f"host-{number}" for number in range(at - (fails == "restored"), 0, -1)]


def test_a_failure_names_host_cause_output_and_log() -> None:
    action = deployment()
    list(action.hosts.values())[1].fails = "broken"

    run(action)

    assert action.message.startswith("the release failed on host-2 (i-00000000000000002)")
    assert "All hosts that had changed run the release before again (1.0.0)." in action.message
    assert "web is unhealthy\n  | no such table" in action.message
    assert "log group /hosts/staging-edenco/commands, https://us-east-1.console.aws.amazon.com/" in action.message
    assert "SLIPWAY" not in action.message


def test_a_first_release_that_fails_says_that_there_is_none_before() -> None:
    action = deployment()
    del action.objects["current.json"]
    first(action).fails = "broken"

    run(action)

    assert "There was no release before this one" in action.message
    assert action.sent("restore") == []


def test_a_host_that_cannot_return_is_named_and_the_others_return() -> None:
    action = deployment(3)
    hosts = list(action.hosts.values())
    hosts[2].fails = "broken"
    send = action.handlers["ssm.SendCommand"]

    def lose(given: dict[str, Any]) -> Any:
        if given["Parameters"]["Step"] == ["restore"]:
            action.hosts.pop("i-00000000000000002", None)
        return send(given)

    action.handlers["ssm.SendCommand"] = lose

    run(action)

    assert "These hosts could not return to 1.0.0: host-2: it has ended" in action.message
    assert [host.release for host in action.hosts.values()] == [old(action)] * 2


def test_a_host_that_is_away_fails_the_release() -> None:
    action = deployment()
    first(action).fails = "away"

    run(action)

    assert action.status == "Failed"
    assert "SSM could not deliver the command" in action.message
    assert action.released == [old(action)] * 2


def test_a_host_that_never_gets_healthy_behind_the_load_balancer_fails_the_release() -> None:
    action = deployment()
    first(action).fails = "ill"

    run(action)

    assert action.status == "Failed"
    assert (
        "the load balancer finds host-1 (i-00000000000000001) unhealthy after 300 s: Health checks failed"
        in action.message
    )
    assert action.released == [old(action)] * 2


@pytest.mark.parametrize("hosts", [0, 1, 3])
def test_another_number_of_hosts_than_expected_fails_before_anything_is_sent(hosts: int) -> None:
    action = deployment(2)
    action.hosts = dict(list(action.hosts.items())[:hosts])
    if hosts == 3:
        action.hosts |= {f"i-{number:017x}": FakeHost(f"host-{number}", "") for number in (1, 2, 3)}

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert f"{hosts} of 2 hosts run (slipway:environment=staging, slipway:product=edenco)" in action.message


def test_a_host_that_is_being_replaced_is_waited_for() -> None:
    action = deployment(2)
    late = action.hosts.popitem()

    def arrive(_: str) -> None:
        if action.calls_made > 3:
            action.hosts[late[0]] = late[1]

    action.before = arrive

    assert run(action).released == [NEW, NEW]


def test_a_host_that_ssm_does_not_reach_is_waited_for_and_then_named() -> None:
    action = deployment(2)
    list(action.hosts.values())[1].online = False

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert "SSM does not reach host-2 (i-00000000000000002)" in action.message


def test_a_host_that_was_replaced_during_the_release_gets_it_too() -> None:
    action = deployment(2)

    def replace(_: str) -> None:
        if action.released == [NEW, NEW] and "i-00000000000000001" in action.hosts:
            del action.hosts["i-00000000000000001"]
            action.hosts["i-0000000000000000f"] = FakeHost("host-1", old(action))

    action.before = replace

    run(action)

    assert (action.status, action.released) == ("Succeeded", [NEW, NEW])
    assert action.sent() == [("apply", "i-00000000000000001"), ("apply", "host-2"), ("apply", "host-1")]


@pytest.mark.parametrize("count", [1, 2])
def test_a_host_that_ends_while_it_gets_the_release_is_noticed_long_before_its_command_expires(count: int) -> None:
    action = deployment(count)
    ending, begun = list(action.hosts)[-1], action.clock.time
    action.stuck = True

    def end(_: str) -> None:
        if ending in action.hosts and ("apply", action.hosts[ending].name) in action.sent():
            del action.hosts[ending]
            action.hosts["i-0000000000000000f"] = FakeHost("host-9", old(action))

    action.before = end

    run(action)

    assert action.status == "Failed"
    assert f"host-{count} ({ending}) ended while it got the release" in action.message
    assert f"host-{count}: it has ended, and the host that replaces it runs 1.0.0 by itself" in action.message
    assert action.released == [old(action)] * count
    assert action.clock.time - begun < 900  # seconds; the command may take an hour


def test_a_command_that_hangs_is_cancelled_at_the_deadline_and_all_hosts_return() -> None:
    action = deployment(2)
    list(action.hosts.values())[1].fails = "hangs"

    run(action)

    assert action.status == "Failed"
    assert "the release took longer than 60 minutes and was cancelled" in action.message
    assert [command.step for command in action.commands.values() if command.cancelled] == ["apply"]
    assert action.released == [old(action)] * 2


def test_hosts_that_cannot_return_in_time_are_an_end_too() -> None:
    action = deployment(2)
    list(action.hosts.values())[1].fails = "broken"
    action.before = lambda _: setattr(action, "takes", 10**6) if action.sent("restore") else None

    run(action)

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "The hosts were still returning to 1.0.0" in action.message


def test_a_command_that_ssm_does_not_know_yet_is_read_again() -> None:
    action = deployment()
    action.unknown = 2

    assert run(action).released == [NEW, NEW]


def test_a_command_that_ssm_never_knows_is_a_failure() -> None:
    action = deployment()
    action.unknown = 10**6

    assert "could not return to 1.0.0" in run(action).message


def test_a_command_whose_confirmation_was_lost_is_found_and_not_sent_again() -> None:
    action = deployment()
    action.faults["ssm.SendCommand"] = ["lost"]

    run(action)

    assert (action.status, action.sent()) == ("Succeeded", [("apply", "host-1"), ("apply", "host-2")])


def test_images_are_protected_before_the_first_command_and_when_they_run() -> None:
    tags = {"entering": "in-use-staging-entering", "running": "in-use-staging-running", "entered": "entered-"}
    action = deployment(protection=tags)
    order: list[str] = []
    manifest = '{"schemaVersion": 2}'
    action.parameters = action.parameters.replace("b" * 64, hashlib.sha256(manifest.encode()).hexdigest())
    action.on("ecr.DescribeImages", lambda _: {"imageDetails": []})
    action.on("ecr.BatchGetImage", lambda _: {"images": [{"imageManifest": manifest}], "failures": []})

    def put(given: dict[str, Any]) -> dict[str, Any]:
        order.append(f"{given['imageTag']} after {len(action.commands)} commands")
        return {"image": {}}

    action.on("ecr.PutImage", put)

    run(action)

    assert action.status == "Succeeded", action.message
    moved = [line for line in order if line.startswith("in-use")]
    assert moved == ["in-use-staging-entering after 0 commands", "in-use-staging-running after 2 commands"]
