"""Whatever AWS answers in the middle, all hosts run the same release, and the pipeline gets one result."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_pipeline import TRANSIENT, call_again_within, in_a_row, played, spent
from tests.support.host_releases import NEW, RECORD, deployment, old, run


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
