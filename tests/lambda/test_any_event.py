"""Whatever a handler is called with, it says what is wrong in a sentence: no stack trace, no secret, one answer a job.

Events are valid ones with something replaced or taken away, at any place; values are any JSON. AWS refuses what it is
asked, except for a job's answer, and so does GitHub: what is tried here is the way to there.
"""

from __future__ import annotations

import copy
import importlib
import json
import logging
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.aws import Unanswered
from shared.event import UnreadableEventError
from tests.support.fake_aws import Handler, Refused
from tests.support.fake_pipeline import FaultyAws, played
from tests.support.fake_runs import approval, event

CANARY = "canary-that-nobody-may-read"
MANY = settings(
    max_examples=25,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
IMAGE = "111122223333.dkr.ecr.us-east-1.amazonaws.com/allthrive/backend@sha256:" + "b" * 64
ROLE = "arn:aws:iam::111122223333:role/production-allthrive-pipeline-deploy"
ACTIONS: dict[str, dict[str, Any]] = {
    "deploy_release": {"stack": "s", "cluster": "c", "parameters": {"BackendImage": IMAGE}, "counts": {}, "role": ROLE},
    "run_migrations": {"stack": "s", "image": IMAGE, "region": "us-east-1"},
    "invalidate_cache": {"stack": "s"},
    "verify_release": {
        "stack": "s",
        "path": "/",
        "version": "1",
        "images": [IMAGE],
        "cluster": "c",
        "services": ["web"],
    },
    "promote_image": {"images": [IMAGE], "tag": "v1"},
    "publish_release": {"repository": "o/r", "secret": "x/github", "tag": "v1", "commit": "c" * 40, "images": [IMAGE]},
}
NEWS: dict[str, dict[str, Any]] = {
    "report_failure": {"product": "p", "repository": "o/r", "secret": "x/github", "issues": ["allthrive-main"]},
    "notify": {"product": "p", "topic": "arn:aws:sns:us-east-1:111122223333:t", "releases": ["allthrive-main"]},
    "cancel_superseded": {"protected_stages": ["Production"]},
}
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["", "0", "#{x}", "\ud800", "\x00", "[[", '{"a":1}', "9" * 5000, "[" * 30_000, IMAGE, ROLE])
)
VALUES = st.recursive(
    SCALARS,
    lambda it: st.lists(it, max_size=3) | st.dictionaries(st.text(max_size=8), it, max_size=3),
    max_leaves=6,
)
_GONE = object()


class Refusing(FaultyAws):
    """AWS that refuses everything, and takes the answers of jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers = _Everything()
        self.answers: list[dict[str, Any]] = []
        for name in ("PutJobSuccessResult", "PutJobFailureResult"):
            self.handlers[f"codepipeline.{name}"] = self._take

    def _take(self, given: dict[str, Any]) -> dict[str, Any]:
        self.answers.append(given)
        return {}


class _Everything(dict[str, Handler]):
    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, name: str) -> Handler:
        def refuse(_: dict[str, Any]) -> dict[str, Any]:
            raise Refused("ValidationException", f"no {name} here")

        return refuse


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """Everything that is logged at any level, as Lambda would print it."""
    handler = _Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield handler.records
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


def job(parameters: dict[str, Any]) -> dict[str, Any]:
    """A job's event, with secrets where CodePipeline puts them."""
    return {
        "CodePipeline.job": {
            "id": "11111111-1111-4111-8111-111111111111",
            "accountId": "111122223333",
            "data": {
                "actionConfiguration": {
                    "configuration": {"FunctionName": "f", "UserParameters": json.dumps(parameters)}
                },
                "inputArtifacts": [],
                "outputArtifacts": [],
                "artifactCredentials": dict.fromkeys(("accessKeyId", "secretAccessKey", "sessionToken"), CANARY),
                "continuationToken": json.dumps({"key": "k", "started": 1_800_000_000, "until": 1_800_000_900}),
            },
        }
    }


def paths(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    yield path
    for key, value in children:
        yield from paths(value, (*path, key))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The data with another value there, or without one."""
    if not path:
        return value
    made = copy.deepcopy(data)
    place: MutableMapping[Any, Any] = made
    for key in path[:-1]:
        place = place[key]
    if value is _GONE:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def changes(data: Any) -> st.SearchStrategy[Any]:
    """The data with one or two places changed."""
    one = st.tuples(st.sampled_from([each for each in paths(data) if each]), VALUES | st.just(_GONE))

    def apply(found: list[tuple[tuple[Any, ...], Any]]) -> Any:
        made = data
        for path, value in found:
            try:
                made = changed(made, path, value)
            except (KeyError, IndexError, TypeError):  # the first change took that place away
                continue
        return made

    return st.lists(one, min_size=1, max_size=2).map(apply) | VALUES


CLEAR = (UnreadableEventError, Unanswered, ClientError)
"""What a handler may raise: Lambda calls again, and at last keeps the event where an alarm watches."""


def called(name: str, given: Any, fixed: dict[str, Any]) -> tuple[Refusing, str]:
    """Call a handler; answers what AWS saw, and everything that was said."""
    aws, main = Refusing(), _main(name)
    with played(aws) as monkeypatch, logged() as records:
        monkeypatch.setenv("SETTINGS", json.dumps(fixed))
        monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
        monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
        said = ""
        try:
            main(given, None)
        except CLEAR as error:
            said = str(error)
    traces = [record for record in records if record.exc_info]
    assert not traces, f"a stack trace: {traces[0].exc_info}"
    return aws, "\n".join([said, *(record.getMessage() for record in records)])


def _main(name: str) -> Callable[[Any, object], None]:
    found: Callable[[Any, object], None] = importlib.import_module(f"{name}.handler").main
    return found


@pytest.mark.parametrize("name", ACTIONS)
@MANY
@given(data=st.data())
def test_any_job_event_gets_one_answer_or_a_clear_error(name: str, data: st.DataObject) -> None:
    given_event = data.draw(changes(job(ACTIONS[name])))
    aws, said = called(name, given_event, {})

    assert len(aws.answers) <= 1
    assert aws.answers or "CodePipeline" in said
    assert CANARY not in said + json.dumps(aws.answers)
    for answer in aws.answers:
        if "failureDetails" in answer:
            assert answer["failureDetails"]["message"]


@pytest.mark.parametrize("name", ACTIONS)
@MANY
@given(data=st.data())
def test_any_user_parameters_and_any_state_get_one_answer(name: str, data: st.DataObject) -> None:
    given_event = job(data.draw(changes(ACTIONS[name])))
    inner = given_event["CodePipeline.job"]["data"]
    state = {"key": "k", "started": 1_800_000_000, "until": 1_800_000_900, "task": "t", "tries": 1, "asked": 1}
    inner["continuationToken"] = json.dumps(data.draw(st.just(state) | changes(state)))
    aws, said = called(name, given_event, {})

    assert len(aws.answers) == 1
    assert CANARY not in said + json.dumps(aws.answers)


@pytest.mark.parametrize("name", NEWS)
@pytest.mark.parametrize("kind", ["run", "approval"])
@MANY
@given(data=st.data())
def test_any_event_of_eventbridge_is_read_or_refused_with_a_clear_error(
    name: str, kind: str, data: st.DataObject
) -> None:
    plain = event(3, "FAILED", **{"branch-name": "main"}) if kind == "run" else approval(3)
    _, said = called(name, data.draw(changes(plain)), NEWS[name])

    assert CANARY not in said


EXPECTED = "expected an event of CodePipeline with the "


@pytest.mark.parametrize(
    ("given_event", "said"),
    [
        (None, f"{EXPECTED}object CodePipeline.job, got nothing"),
        ([CANARY], f"{EXPECTED}object CodePipeline.job, got nothing"),
        ({"CodePipeline.job": CANARY}, f"{EXPECTED}object CodePipeline.job, got a str"),
        ({"CodePipeline.job": {"id": 7}}, f"{EXPECTED}text CodePipeline.job.id, got a int"),
    ],
)
def test_what_is_no_job_is_refused_with_what_was_expected(given_event: Any, said: str) -> None:
    with pytest.raises(UnreadableEventError) as error:
        _main("promote_image")(given_event, None)

    assert str(error.value) == said


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"a": 1}, "UserParameters must be the text of a JSON object, got dict"),
        ("[" * 30_000, "UserParameters must be a JSON object, not this many brackets in each other"),
        ('{"images": ["\\ud800"], "tag": "v1"}', "parameter 'images' holds half a character, which nobody can send"),
    ],
)
def test_user_parameters_that_nobody_could_use_are_a_configuration_error(parameters: Any, said: str) -> None:
    given_event = job({})
    given_event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]["UserParameters"] = parameters
    assert said in _configuration_error("promote_image", given_event)


def test_a_region_that_is_none_is_a_configuration_error() -> None:
    given_event = job({**ACTIONS["run_migrations"], "region": "not a region"})
    assert "Provided region_name 'not a region'" in _configuration_error("run_migrations", given_event)


def _configuration_error(name: str, given_event: Any) -> str:
    aws, _ = called(name, given_event, {})
    (answer,) = aws.answers
    assert answer["failureDetails"]["type"] == "ConfigurationError"
    return str(answer["failureDetails"]["message"])


@pytest.mark.parametrize("token", ["x", "[]", "[" * 30_000, '{"until": "x"}', '{"started": NaN}', '{"task": {}}'])
def test_a_foreign_continuation_token_is_refused(token: str) -> None:
    given_event = job(ACTIONS["run_migrations"])
    given_event["CodePipeline.job"]["data"]["continuationToken"] = token
    aws, _ = called("run_migrations", given_event, {})

    (answer,) = aws.answers
    assert answer["failureDetails"]["message"] == "the continuation token is not one of this handler's"


@pytest.mark.parametrize("name", NEWS)
@pytest.mark.parametrize("detail", [None, CANARY, {}, {"pipeline": 7}, {"pipeline": "p", "execution-id": None}])
def test_news_without_a_run_are_refused_with_what_was_expected(name: str, detail: Any) -> None:
    _, said = called(name, {"id": f"{name}-{detail}", "detail": detail}, NEWS[name])

    assert said.startswith("expected an event of CodePipeline with the ")
