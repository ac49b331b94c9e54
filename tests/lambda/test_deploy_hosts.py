"""A release reaches all hosts, one after the other, or none; a failure names the host, the cause and what runs now."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy_hosts import handler
from tests.support.fake_hosts import BUNDLE, EDGE, STACK, FakeHost, Hosts
from tests.support.fake_pipeline import CANARY, TRANSIENT, call_again_within, in_a_row, played, spent

IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/edenco/backend@sha256:" + "b" * 64
RELEASE: dict[str, Any] = {
    "version": "1.1.0",
    "commit": "c" * 40,
    "images": {"backend": IMAGE},
    "bundle": hashlib.sha256(BUNDLE).hexdigest(),
}
RECORD = json.dumps(RELEASE, sort_keys=True, separators=(",", ":")).encode()
NEW = hashlib.sha256(RECORD).hexdigest()
PARAMETERS: dict[str, Any] = {
    **RELEASE,
    "step": "apply",
    "region": "us-east-1",
    "stack": STACK,
    "document": "staging-edenco-release",
    "tags": {"slipway:product": "edenco", "slipway:environment": "staging"},
    "log_group": "/hosts/staging-edenco/commands",
}


def deployment(count: int = 2, **changes: Any) -> Hosts:
    return Hosts(handler.main, {**PARAMETERS, **changes}, count)


def run(action: Hosts) -> Hosts:
    with played(action):
        action.run()
    assert action.violations == []
    return action


def first(action: Hosts) -> FakeHost:
    return next(iter(action.hosts.values()))


def old(action: Hosts) -> str:
    return hashlib.sha256(action.old).hexdigest()


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


def test_a_bundle_that_is_not_the_builds_is_refused() -> None:
    action = deployment()
    action.artifact(b"another bundle")

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert "it was changed in between" in action.message
    assert f"releases/{NEW}.json" not in action.objects


@pytest.mark.parametrize(("stack", "step", "output"), [(STACK, "apply", "ReleasesBucket"), (EDGE, "verify", "Url")])
def test_a_stack_that_is_not_deployed_yet_is_named(stack: str, step: str, output: str) -> None:
    action = released(deployment(step=step, edge=EDGE))
    action.outputs[stack] = {}

    run(action)

    assert f"{stack} has no output {output}: deploy the infrastructure first" in action.message


@pytest.mark.parametrize("damage", ["no zip", "no file", "no artifact"])
def test_an_artifact_without_a_bundle_is_refused(damage: str) -> None:
    action = deployment()
    if damage == "no zip":
        action.objects["artifact.zip"] = b"PK"
    elif damage == "no file":
        action.artifact(BUNDLE, "other")
    else:
        action.artifacts = []

    run(action)

    assert (action.status, action.commands) == ("Failed", {})
    assert "artifact" in action.message


def test_migrations_run_once_on_the_first_host() -> None:
    action = run(deployment(step="migrate"))

    assert (action.status, action.sent()) == ("Succeeded", [("migrate", "host-1")])
    assert action.objects["current.json"] == action.old
    assert action.objects[f"releases/{NEW}.json"] == RECORD


def test_a_migration_that_fails_shows_the_end_of_its_output() -> None:
    action = deployment(step="migrate")
    first(action).fails = "restored"

    run(action)

    assert action.status == "Failed"
    assert "the migrations of 1.1.0 failed on host-1 (i-00000000000000001)" in action.message
    assert "no such table" in action.message


def test_a_migration_that_hangs_is_cancelled() -> None:
    action = deployment(step="migrate")
    first(action).fails = "hangs"

    run(action)

    assert "The migration was cancelled: check what it left half done" in action.message
    assert [command.cancelled for command in action.commands.values()] == [True]


def released(action: Hosts) -> Hosts:
    for host in action.hosts.values():
        host.release = NEW
    return action


def test_a_release_that_all_hosts_run_is_verified() -> None:
    action = run(released(deployment(step="verify")))

    assert (action.status, len(action.commands)) == ("Succeeded", 1)
    assert action.summary == "2 of 2 hosts run 1.1.0, and nothing else"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"release": "0" * 64, "version": "1.0.0"}, "host-1 (i-00000000000000001) runs the release 1.0.0"),
        ({"state": "failed"}, "is failed: a container is not healthy, or runs another image"),
        ({"images": {"web": "sha256:" + "a" * 64}}, "runs none of the images of the release"),
        ({"images": None}, "runs none of the images of the release"),
    ],
)
def test_hosts_that_report_something_else_are_a_failure(wrong: dict[str, Any], message: str) -> None:
    action = released(deployment(step="verify"))
    action.wrong = wrong

    run(action)

    assert (action.status, len(action.commands)) == ("Failed", 3)
    assert message in action.message


def test_the_product_at_its_own_address_must_report_the_release_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def page(url: str, version: str, digests: set[str]) -> str | None:
        asked.append(f"{url} {version} {' '.join(digests)}")
        return "it reports version 1.0.0" if len(asked) == 1 else None

    monkeypatch.setattr(handler, "other_release", page)

    action = run(released(deployment(step="verify", edge=EDGE, path="/api/v1/status/")))

    assert asked == [f"https://staging.example.com/api/v1/status/ 1.1.0 sha256:{'b' * 64}"] * 2
    assert (action.status, action.variables) == ("Succeeded", {"Url": "https://staging.example.com"})


def test_a_host_that_is_only_starting_again_is_asked_again() -> None:
    action = released(deployment(step="verify"))
    action.wrong = {"state": "failed"}
    action.before = lambda _: action.wrong.clear() if len(action.commands) > 1 else None

    assert run(action).status == "Succeeded"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": "aply"}, "parameter 'step' is 'aply'; write one of migrate, apply, verify"),
        ({"tags": {}}, "parameter 'tags' is empty"),
        ({"images": {}}, "parameter 'images' is empty"),
        ({"images": {"backend": "edenco/backend:latest"}}, "must name an image"),
        ({"bundle": "#{Compose.BUNDLE}"}, "contains a variable that no action has set"),
        ({"bundle": "abc"}, "parameter 'bundle' must be a SHA-256, got 'abc'"),
        ({"commit": "main"}, "parameter 'commit' must have 40 hexadecimal digits"),
        ({"expected": 0}, "parameter 'expected' must be between 1 and 20"),
        ({"path": "/status/"}, "parameter 'path' needs 'edge', whose output Url is the product's address"),
        ({"hosts": 2}, "unknown parameter 'hosts'"),
    ],
)
def test_a_wrong_parameter_is_named(changes: dict[str, Any], message: str) -> None:
    action = deployment(**{key: value for key, value in changes.items() if key != "expected"})
    action.parameters = json.dumps({**json.loads(action.parameters), **changes})

    run(action)

    assert (action.status, action.kind, action.commands) == ("Failed", "ConfigurationError", {})
    assert message in action.message


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


def test_the_event_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")

    run(deployment())

    assert CANARY not in caplog.text


@pytest.mark.parametrize("operation", ["ssm.SendCommand", "elasticloadbalancingv2.RegisterTargets"])
def test_a_missing_permission_in_the_middle_returns_all_hosts(operation: str) -> None:
    action = deployment()
    action.faults[operation] = [None, "denied"]

    run(action)

    assert action.status == "Failed"
    assert action.released == [old(action)] * 2
    assert "not authorized to perform this" in action.message


def test_twenty_hosts_fit_into_a_continuation_token_even_if_all_goes_wrong() -> None:
    action = deployment(20)
    for number, host in enumerate(action.hosts.values()):
        host.name = f"{chr(34) * 40}{number:02d}-a-very-long-name"
        host.fails = "broken" if number == 19 else ""
    action.wrong = {}
    action.faults["ssm.SendCommand"] = [*[None] * 20, *["denied"] * 20]

    run(action)

    assert action.status == "Failed"
    assert "characters; a token has at most" not in action.message


OPERATIONS = (
    "cloudformation.DescribeStacks",
    "ec2.DescribeInstances",
    "elasticloadbalancingv2.DescribeTargetHealth",
    "elasticloadbalancingv2.DeregisterTargets",
    "elasticloadbalancingv2.RegisterTargets",
    "ssm.SendCommand",
    "ssm.GetCommandInvocation",
    "ssm.ListCommandInvocations",
    "ssm.CancelCommand",
    "s3.PutObject",
    "s3.GetObject",
    "codepipeline.PutJobSuccessResult",
    "codepipeline.PutJobFailureResult",
)


def test_a_cancellation_that_fails_for_a_while_is_tried_again() -> None:
    action = deployment()
    next(iter(action.hosts.values())).fails = "hangs"
    action.faults["ssm.CancelCommand"] = ["throttled"] * 7

    run(action)

    assert action.status == "Failed"
    assert action.released == [old(action)] * 2
    assert "the release took longer than 60 minutes and was cancelled" in action.message


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "ssm.CancelCommand"])
def test_a_transient_fault_changes_nothing(operation: str, fault: str) -> None:
    action = deployment()
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    run(action)

    assert (action.status, action.accepted, action.released) == ("Succeeded", 1, [NEW, NEW])
    assert action.sent() == [("apply", "host-1"), ("apply", "host-2")]


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_fails_all_hosts_run_the_same_release_and_success_means_the_new_one(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 3), label="hosts")
    action = deployment(count)
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=6)
    action.faults = {name: data.draw(faults, label=name) for name in OPERATIONS}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.takes = data.draw(st.integers(0, 3), label="takes")
    action.unknown = data.draw(st.integers(0, 2), label="unknown")
    failing = data.draw(st.none() | st.integers(0, count - 1), label="failing host")
    if failing is not None:
        list(action.hosts.values())[failing].fails = data.draw(st.sampled_from(["restored", "broken", "hangs"]))
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 9), st.integers(0, 3), max_size=3), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 40), max_size=2), label="killed after")
    action.same_job_id = data.draw(st.booleans(), label="same job id")
    nested = data.draw(st.none() | st.integers(0, 12), label="duplicate within request")
    with played(action):
        call_again_within(action, nested)
        action.run(calls=600)

    assert action.status != "Hung" or spent(action, longest)
    assert action.accepted == (action.status != "Hung")
    if action.status == "Succeeded":
        assert failing is None
        assert set(action.released) == {NEW}
        assert action.objects["current.json"] == RECORD
    if action.status == "Failed":
        assert set(action.released) == {old(action)}
        assert action.objects["current.json"] == action.old
    if action.status != "Hung":
        assert {host.balanced for host in action.hosts.values()} <= {"healthy", "initial"}
    # Kills and lost answers together let minutes pass between two looks at a host that drains for eight.
    if longest + len(action.kills) <= 2 and failing is None:
        assert action.status == "Succeeded"


def test_the_bundle_of_a_cluster_is_in_the_artifact_of_its_manifests() -> None:
    action = deployment(1, artifact="Manifests")
    action.artifacts[0]["name"] = "Manifests"

    assert run(action).status == "Succeeded", action.message


def test_an_artifact_of_another_name_is_missed_by_its_name() -> None:
    action = run(deployment(1, artifact="Manifests"))

    assert action.status == "Failed"
    assert "Manifests" in action.message
