"""No traceback: faults of AWS and of the way to it are explained, and no state of a pipeline is too strange."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore import exceptions
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway_cli import typed
from slipway_cli.operate import status as standing
from slipway_cli.operate import words
from slipway_cli.texts import plain
from tests.slipway_cli.operate.playing import play, playing
from tests.support.fake_aws import Refused
from tests.support.fake_codepipeline import FakeCodePipeline

VERBS = {
    "status": ["status"],
    "start": ["start", "main"],
    "follow": ["follow", "main"],
    "approve": ["approve"],
    "reject": ["reject", "--reason", "no"],
    "retry": ["retry"],
    "rollback": ["rollback", "production", "--to", "1.1.0"],
    "stop": ["stop"],
}
WIRE: dict[str, tuple[Callable[[], Exception], str]] = {
    "no credentials": (exceptions.NoCredentialsError, "no AWS credentials"),
    "half of them": (
        lambda: exceptions.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
        "no AWS credentials",
    ),
    "no profile": (lambda: exceptions.ProfileNotFound(profile="work"), "names no profile"),
    "a stale login": (exceptions.UnauthorizedSSOTokenError, "session has ended"),
    "a token that cannot be renewed": (
        lambda: exceptions.TokenRetrievalError(provider="sso", error_msg="expired"),
        "session has ended",
    ),
    "no way to AWS": (lambda: exceptions.EndpointConnectionError(endpoint_url="https://aws"), "does not answer"),
    "no answer": (lambda: exceptions.ReadTimeoutError(endpoint_url="https://aws"), "does not answer"),
    "something else": (exceptions.BotoCoreError, "the AWS SDK cannot do this"),
}
ANSWERS = {
    "ExpiredTokenException": "session has ended",
    "ExpiredToken": "session has ended",
    "UnrecognizedClientException": "does not accept these credentials",
    "InvalidSignatureException": "does not accept these credentials",
    "AccessDeniedException": "codepipeline:",
    "ThrottlingException": "throttles the requests",
    "PipelineNotFoundException": "account 111122223333, region us-east-1",
    "ConcurrentPipelineExecutionsLimitExceededException": "too many runs",
    "ConflictException": "busy",
    "SomethingNewException": "SomethingNewException",
    "InternalFailure": "InternalFailure",
}


def refused(code: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise Refused(code, "that is why")

    return refuse


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("code", ANSWERS)
def test_an_error_that_aws_answers_is_explained(cloud: FakeCodePipeline, verb: str, code: str) -> None:
    for operation in list(cloud.handlers):
        cloud.on(operation, refused(code))
    played = play(*VERBS[verb])
    assert played.code == 1
    assert ANSWERS[code] in played.err
    assert "that is why" in played.err
    assert "\nnext: " in played.err


@pytest.mark.parametrize("fault", WIRE)
def test_a_fault_on_the_way_to_aws_is_explained(
    cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    raised, sentence = WIRE[fault]

    def client(*_given: object, **_more: object) -> object:
        raise raised()

    monkeypatch.setattr(boto3, "client", client)
    played = play("status")
    assert played.code == 1
    assert sentence in played.err
    assert "\nnext: " in played.err


def test_without_any_credentials_the_sdk_itself_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    assert "no AWS credentials" in play("status").err


def test_a_product_without_a_manifest_or_pipeline_is_said() -> None:
    assert "no" in play("status", "--product", "nothing").err
    assert play("status", "--product", "nothing").code == 2


@pytest.mark.parametrize("arguments", [[], ["dance"], ["start"], ["rollback", "production"], ["status", "--runs", "0"]])
def test_a_command_line_that_says_too_little_ends_with_two(arguments: list[str]) -> None:
    assert play(*arguments).code == 2


def test_an_interrupted_command_says_that_runs_continue(
    cloud: FakeCodePipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(standing, "show", interrupt)
    played = play("status")
    assert (played.code, "anything already started continues" in played.err) == (130, True)


# --- any state -------------------------------------------------------------------------------------------------------

STATUSES = st.sampled_from(["InProgress", "Stopping", "Stopped", "Failed", "Succeeded", "Superseded", "Cancelled"])
STAGES = ["Source", "Test", "Publish", "Staging", "E2E", "Approval", "Production", "Release"]
TEXT = st.text(min_size=1, max_size=40)


@st.composite
def histories(draw: st.DrawFn) -> Callable[[FakeCodePipeline], None]:
    runs = draw(st.lists(st.tuples(STATUSES, st.sampled_from(STAGES), TEXT, st.booleans(), st.booleans()), max_size=5))
    closed = draw(st.dictionaries(st.sampled_from(STAGES), st.just("frozen"), max_size=2))
    structure = draw(st.integers(6, 7))
    hidden = draw(st.sets(st.sampled_from(["output", "input", "startTime", "lastUpdateTime", "pipelineVersion"])))

    def prepare(cloud: FakeCodePipeline) -> None:
        for number, (status, stage, reason, rollback, bare) in enumerate(runs, start=1):
            pipeline = cloud.flow("main")
            if rollback and pipeline.runs and stage in ("Staging", "Production"):
                how = status if status in ("InProgress", "Failed", "Succeeded") else "Failed"
                cloud.rolled_back("main", number, stage, pipeline.runs[0], how)
                continue
            how = status if status not in ("Superseded", "Cancelled") else "Failed"
            run = cloud.run("main", number, how, at="" if status == "Succeeded" else stage, reason=reason)
            run.status = status
            if bare:
                run.steps.clear()
        pipeline = cloud.flow("main")
        pipeline.structure, pipeline.closed = structure, dict(closed)
        if pipeline.runs:
            pipeline.queued = {"Staging": [pipeline.runs[-1].id]}
        known = cloud.handlers["codepipeline.ListActionExecutions"]

        def sparse(body: dict[str, Any]) -> dict[str, Any]:
            answer = known(body)
            assert isinstance(answer, dict)
            rows = [
                {key: value for key, value in row.items() if key not in hidden}
                for row in answer["actionExecutionDetails"]
            ]
            return {"actionExecutionDetails": rows}

        cloud.on("codepipeline.ListActionExecutions", sparse)

    return prepare


def succeed(cloud: FakeCodePipeline) -> None:
    """Every run ends, so that who follows one does."""
    for run in cloud.flow("main").runs:
        run.status = "Succeeded"


@settings(max_examples=60, deadline=None)
@given(
    histories(), st.sampled_from(sorted(VERBS)), st.lists(st.sampled_from([None, "throttled", "broken"]), max_size=6)
)
@pytest.mark.slow
def test_whatever_the_state_a_verb_does_its_work_or_says_why_not(
    prepare: Callable[[FakeCodePipeline], None], verb: str, faults: list[str | None]
) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        cloud = FakeCodePipeline()
        with playing(cloud, monkeypatch):
            prepare(cloud)
            cloud.ticks = [lambda: succeed(cloud)]
            cloud.faults["*"] = list(faults)
            played = play(*VERBS[verb])
    assert played.code in (0, 1)
    assert "Traceback" not in played.all
    assert bool(played.err) is (played.code == 1)
    assert "\x1b" not in played.all


@given(st.text())
def test_what_is_printed_is_one_line_without_control_characters(text: str) -> None:
    line = plain(text)
    assert line.isprintable()
    assert line == line.strip()


def test_durations_are_said_as_people_say_them() -> None:
    texts = [words.seconds(count) for count in (-1, 5, 59.4, 61, 3600, 7290, 90_000)]
    assert texts == ["0 s", "5 s", "59 s", "1 min", "1 h 0 min", "2 h 1 min", "1 d 1 h"]


def test_what_is_to_be_typed_is_quoted_for_the_shell() -> None:
    typed.INVOCATION.begin(["status"])
    line = typed.command("reject", "a b", reason='it\'s "bad"; $(date) & co', stage="", abandon=True)
    assert shlex.split(line)[len(shlex.split(typed.program())) :] == [
        *("reject", "a b", "--reason", 'it\'s "bad"; $(date) & co', "--abandon"),
    ]


def test_what_is_to_be_typed_repeats_product_and_cloud_where_they_were_typed(cloud: FakeCodePipeline) -> None:
    assert (
        "next: slipway start main --product allthrive --aws"
        in play("status", "main", "--product", "allthrive", "--aws").out
    )
