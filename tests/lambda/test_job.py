"""A job gets exactly one answer, whatever the work, the event or CodePipeline does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.job import Done, Failed, Job, Wait, answer, shortened
from shared.parameters import ParameterError, Parameters
from tests.support.fake_pipeline import CANARY, TRANSIENT, Action, played

WORK = {"outcome": "done"}


def main(event: dict[str, Any], _context: object) -> None:
    answer(event, _work, minutes=10)


def _work(job: Job) -> Done | Wait:
    outcome = job.parameters.text("outcome")
    if outcome == "wait":
        return Wait("not yet")
    if outcome == "fail":
        raise Failed("it failed")
    if outcome == "crash":
        raise KeyError("what")
    if outcome == "big state":
        job.state["big"] = "x" * 3000
        return Wait("not yet")
    return Done("done", "reference", {"digest": "1"})


@pytest.fixture(name="action")
def _action(monkeypatch: pytest.MonkeyPatch) -> Iterator[Action]:
    action = Action(main, WORK)
    with action.installed(monkeypatch):
        yield action


def works(action: Action, outcome: str) -> Action:
    action.parameters = json.dumps({"outcome": outcome})
    return action


def test_a_success_is_reported_with_its_variables(action: Action) -> None:
    action.run()

    assert (action.status, action.reference, action.variables) == ("Succeeded", "reference", {"digest": "1"})


def test_an_action_that_never_ends_fails_at_the_deadline(action: Action) -> None:
    works(action, "wait").run()

    assert (action.status, action.message) == ("Failed", "not yet; gave up 10 minutes after the start.")


def test_the_deadline_of_an_action_overrides_that_of_the_handler(action: Action) -> None:
    action.parameters = json.dumps({"outcome": "wait", "deadline_minutes": "2"})

    action.run()

    assert action.message == "not yet; gave up 2 minutes after the start."


def test_an_exception_is_a_failure_that_names_it(action: Action) -> None:
    works(action, "crash").run()

    assert (action.status, action.message) == ("Failed", "the handler failed: KeyError: 'what'")


def test_a_state_that_is_too_long_for_a_continuation_token_is_a_failure(action: Action) -> None:
    works(action, "big state").run()

    assert (action.status, action.accepted) == ("Failed", 1)
    assert "a token has at most 2048" in action.message


def test_a_result_that_codepipeline_refuses_is_a_failure(action: Action) -> None:
    action.faults["codepipeline.PutJobSuccessResult"] = ["invalid"]

    action.run()

    assert action.status == "Failed"
    assert "refused the result of this step" in action.message


def test_if_codepipeline_cannot_be_reached_the_function_raises_so_that_lambda_calls_again(action: Action) -> None:
    action.faults["codepipeline.PutJobSuccessResult"] = ["broken"] * 3

    action.run()

    assert action.status == "Succeeded"
    assert [type(error) for error in action.raised] == [ClientError]


def test_the_configuration_of_another_client_does_not_change_how_often_a_function_retries(action: Action) -> None:
    patient = Config(retries={"mode": "standard", "total_max_attempts": 9})
    boto3.client("codepipeline", region_name="us-east-1", config=patient)
    action.faults["codepipeline.PutJobSuccessResult"] = ["broken"] * 3

    action.run()

    assert [type(error) for error in action.raised] == [ClientError]


@pytest.mark.parametrize("token", ["not json", "[]", '"text"'])
def test_a_malformed_continuation_token_is_a_failure(action: Action, token: str) -> None:
    action.token = token

    action.run()

    assert "this handler did not write the continuation token" in action.message


def test_an_event_without_data_is_answered_too(action: Action) -> None:
    answer({"CodePipeline.job": {"id": action.job}}, _work, minutes=10)

    assert (action.status, action.accepted) == ("Failed", 1)


def test_a_job_that_was_answered_before_is_left_alone(action: Action) -> None:
    event = action.event()
    action.run()

    assert action.call(event)
    assert action.accepted == 1


def test_credentials_of_the_artifacts_are_never_logged(
    action: Action, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    for outcome in ("crash", "wait"):
        works(action, outcome)
        action.status = "InProgress"
        action.run()

    assert CANARY not in caplog.text + capsys.readouterr().err


@settings(max_examples=60, deadline=None)
@given(
    outcome=st.sampled_from(["done", "wait", "fail", "crash", "big state", ""]),
    put=st.lists(st.none() | st.sampled_from([*TRANSIENT, "invalid"]), max_size=6),
    fail=st.lists(st.none() | st.sampled_from(TRANSIENT), max_size=6),
)
def test_there_is_exactly_one_answer(outcome: str, put: list[str | None], fail: list[str | None]) -> None:
    action = Action(main, {"outcome": outcome})
    action.faults = {"codepipeline.PutJobSuccessResult": list(put), "codepipeline.PutJobFailureResult": list(fail)}
    with played(action):
        action.run()

    assert action.accepted == 1
    assert (action.status == "Succeeded") <= (outcome == "done")
    if "invalid" not in put:
        assert (action.status == "Succeeded") == (outcome == "done")


@given(st.text(max_size=300), st.integers(20, 200))
def test_a_shortened_text_fits_and_keeps_both_ends(text: str, limit: int) -> None:
    short = shortened(text, limit)

    assert len(short) <= limit
    assert short[:1] == text[:1]
    assert short[-1:] == text[-1:]


def test_user_parameters_override_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETTINGS", '{"a": "environment", "b": "environment"}')

    parameters = Parameters.load('{"a": "user"}')

    assert (parameters.text("a"), parameters.text("b")) == ("user", "environment")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "UserParameters must be a JSON object: "),
        ("[]", "UserParameters must be a JSON object, got list"),
    ],
)
def test_user_parameters_that_are_no_json_object_are_refused(text: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Parameters.load(text)
