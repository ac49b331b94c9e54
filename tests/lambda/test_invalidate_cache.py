"""One invalidation per action; too many in progress are waited for, and the action always ends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invalidate_cache import handler
from tests.support.fake_aws import Refused
from tests.support.fake_pipeline import TRANSIENT, Action, call_again_within, in_a_row, played, spent

PARAMETERS: dict[str, Any] = {"stack": "edge"}


class Invalidation(Action):
    """The action, with fakes of CloudFront and CloudFormation."""

    def __init__(self, parameters: dict[str, Any] | str | None = None) -> None:
        super().__init__(handler.main, parameters or PARAMETERS)
        self.made: dict[str, str] = {}
        """The paths of each invalidation by caller reference: the same reference is the same invalidation."""
        self.too_many = 0
        """The number of refusals, since too many invalidations are in progress."""
        self.takes = 2
        """The number of reads before the invalidation is completed."""
        self.output = "DistributionId"
        self.on("cloudformation.DescribeStacks", self._stacks)
        self.on("cloudfront.CreateInvalidation", self._create)
        self.on("cloudfront.GetInvalidation", self._get)

    def _stacks(self, _: dict[str, Any]) -> str:
        output = f"<member><OutputKey>{self.output}</OutputKey><OutputValue>E1</OutputValue></member>"
        return (
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>edge</StackName>"
            f"<Outputs>{output}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        )

    def _create(self, given: dict[str, Any]) -> str:
        assert given["path"] == "/2020-05-31/distribution/E1/invalidation"
        body = given["body"].decode()
        reference = re.findall(r"<CallerReference>(.+?)<", body)[0]
        paths = ",".join(re.findall(r"<Path>(.+?)<", body))
        if reference not in self.made and self.too_many > 0:
            self.too_many -= 1
            raise Refused("TooManyInvalidationsInProgress")
        self.made[reference] = paths
        return self._shown()

    def _get(self, _: dict[str, Any]) -> str:
        self.takes -= 1
        return self._shown()

    def _shown(self) -> str:
        status = "Completed" if self.takes <= 0 else "InProgress"
        return f"<Invalidation><Id>I1</Id><Status>{status}</Status></Invalidation>"


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Any:
    action = Invalidation()
    with action.installed(monkeypatch):
        yield action


def test_pages_are_invalidated_and_the_invalidation_is_waited_for(action: Invalidation) -> None:
    action.run()

    assert (action.status, list(action.made.values()), action.reference) == ("Succeeded", ["/index.html"], "I1")
    assert action.calls_made == 2


def test_too_many_in_progress_is_waited_for(action: Invalidation) -> None:
    action.too_many = 5

    action.run()

    assert (action.status, len(action.made)) == ("Succeeded", 1)


def test_an_invalidation_that_never_ends_fails(action: Invalidation) -> None:
    action.takes = 10**6

    action.run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "invalidation I1 is InProgress; gave up 15 minutes" in action.message


def test_a_retried_stage_invalidates_anew(action: Invalidation, monkeypatch: pytest.MonkeyPatch) -> None:
    action.run()
    again = Invalidation()
    again.made = action.made
    with again.installed(monkeypatch):
        again.run()

    assert len(again.made) == 2


def test_the_paths_of_the_frontends_build_are_invalidated_as_it_wrote_them(monkeypatch: pytest.MonkeyPatch) -> None:
    action = Invalidation({**PARAMETERS, "paths": "/a%20b.js /index.html /runtime%7Emain.js"})
    with action.installed(monkeypatch):
        action.run()

    assert (action.status, list(action.made.values())) == ("Succeeded", ["/a%20b.js,/index.html,/runtime%7Emain.js"])


@pytest.mark.parametrize("fault", TRANSIENT)
@pytest.mark.parametrize(
    "operation", ["cloudfront.CreateInvalidation", "cloudfront.GetInvalidation", "codepipeline.PutJobSuccessResult"]
)
def test_a_transient_fault_changes_nothing(action: Invalidation, operation: str, fault: str) -> None:
    action.faults[operation] = [fault, fault, None, fault, fault, fault, fault]

    action.run()

    assert (action.status, len(action.made), action.accepted) == ("Succeeded", 1, 1)


@pytest.mark.parametrize("code", ["NoSuchDistribution", "AccessDenied", "InvalidArgument"])
def test_a_refusal_fails_at_once(action: Invalidation, code: str) -> None:
    def refuse(_: dict[str, Any]) -> str:
        raise Refused(code, status=403 if code == "AccessDenied" else 400)

    action.on("cloudfront.CreateInvalidation", refuse)

    action.run()

    assert (action.status, action.calls_made) == ("Failed", 1)
    assert code in action.message
    assert (action.kind == "PermissionError") == (code == "AccessDenied")


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "parameter 'stack' is missing"),
        ({"stack": "edge", "distribution": "E1"}, "unknown parameter 'distribution'"),
    ],
)
def test_a_wrong_parameter_is_named(action: Invalidation, parameters: dict[str, Any], message: str) -> None:
    action.parameters = json.dumps(parameters)

    action.run()

    assert (action.kind, action.made) == ("ConfigurationError", {})
    assert message in action.message


def test_a_stack_without_a_distribution_is_named(action: Invalidation) -> None:
    action.output = "Other"

    action.run()

    assert (action.kind, action.message, action.made) == (
        "ConfigurationError",
        "stack edge has no output DistributionId",
        {},
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_whatever_fails_there_is_one_invalidation_and_one_answer(data: st.DataObject) -> None:
    action = Invalidation()
    faults = st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=6)
    operations = ("cloudfront.CreateInvalidation", "cloudfront.GetInvalidation", "codepipeline.PutJobSuccessResult")
    action.faults = {name: data.draw(faults, label=name) for name in operations}
    longest = max(in_a_row(plan) for plan in action.faults.values())
    action.takes = data.draw(st.integers(0, 4), label="takes")
    action.too_many = data.draw(st.integers(0, 3), label="too many")
    action.duplicates = data.draw(st.dictionaries(st.integers(0, 3), st.integers(0, 2), max_size=2), label="duplicates")
    action.kills = data.draw(st.sets(st.integers(1, 12), max_size=2), label="killed after")
    nested = data.draw(st.none() | st.integers(0, 6), label="duplicate within request")
    with played(action):
        call_again_within(action, nested)
        action.run()

    assert len(action.made) <= 1
    assert action.status != "Hung" or spent(action, longest)
    assert action.accepted == (action.status != "Hung")
    if longest <= 2:
        assert action.status == "Succeeded"
