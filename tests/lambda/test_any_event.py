"""A handler reports any malformed event in a sentence: without traceback or secret, and with one answer per job.

The events are valid ones in which some place is removed or replaced by any JSON. AWS and GitHub refuse every request
except the answer to a job: these tests cover the code before those requests.
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
    "deploy_hosts": {
        "step": "apply",
        "stack": "s",
        "version": "1",
        "commit": "c" * 40,
        "images": {"backend": IMAGE},
        "bundle": "d" * 64,
        "document": "d",
        "tags": {"slipway:product": "p"},
        "log_group": "g",
        "role": ROLE,
    },
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
    "protect_image": {"images": [IMAGE], "tag": "in-use-production-waiting", "entered": "entered-"},
    "find_snapshot": {
        "repository": "o/r",
        "secret": "x/github",
        "branch": "main",
        "from_branch": "dev",
        "version_file": "pyproject.toml",
        "commit": "c" * 40,
        "pipeline": "p-dev",
        "flow": "dev",
        "release_tag": "v{version}",
        "git_tag": "{version}",
        "images": {"AppImage": "r/p/app"},
    },
    "publish_build": {
        "image": IMAGE,
        "repositories": {"allthrive/builds/backend": "allthrive/backend"},
        "tags": "moved:latest",
        "commit": "c" * 40,
        "version": "1.0.0-ccccccc",
        "release_tag": "v1.0.0-ccccccc",
    },
    "publish_image": {"images": [IMAGE], "tag": "v1"},
    "publish_release": {"repository": "o/r", "secret": "x/github", "tag": "v1", "commit": "c" * 40, "images": [IMAGE]},
}
FUNCTIONS: dict[str, dict[str, Any]] = {
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
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=6,
)
_GONE = object()


class Refusing(FaultyAws):
    """AWS that refuses every request except the answers to jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers = _RefusingHandlers()
        self.answers: list[dict[str, Any]] = []
        for name in ("PutJobSuccessResult", "PutJobFailureResult"):
            self.handlers[f"codepipeline.{name}"] = self._take

    def _take(self, given: dict[str, Any]) -> dict[str, Any]:
        self.answers.append(given)
        return {}


class _RefusingHandlers(dict[str, Handler]):
    def __contains__(self, _: object) -> bool:
        return True

    def __missing__(self, name: str) -> Handler:
        def refuse(_: dict[str, Any]) -> dict[str, Any]:
            raise Refused("ValidationException", f"no {name} here")

        return refuse


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """Collects the log records of every level, as Lambda would print them."""
    handler = _Recorder()
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
    """Returns a job's event, with secrets where CodePipeline puts them."""
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
    """Yields the path of keys to each value in some data, first the empty path to the data itself."""
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    yield path
    for key, value in children:
        yield from paths(value, (*path, key))


def changed(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Returns a copy of the data with another value at a path, or without that key."""
    if not path:
        return value
    copied = copy.deepcopy(data)
    parent: MutableMapping[Any, Any] = copied
    for key in path[:-1]:
        parent = parent[key]
    if value is _GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return copied


def changes(data: Any) -> st.SearchStrategy[Any]:
    """Returns a strategy for the data with one or two values changed, or for any other JSON."""
    change = st.tuples(st.sampled_from([path for path in paths(data) if path]), VALUES | st.just(_GONE))

    def apply(drawn: list[tuple[tuple[Any, ...], Any]]) -> Any:
        result = data
        for path, value in drawn:
            try:
                result = changed(result, path, value)
            except (KeyError, IndexError, TypeError):  # the first change removed that place
                continue
        return result

    return st.lists(change, min_size=1, max_size=2).map(apply) | VALUES


CLEAR = (UnreadableEventError, Unanswered, ClientError)
"""Exceptions that a handler may raise: Lambda retries, then keeps the event in a queue that has an alarm."""


def called(name: str, given: Any, fixed: dict[str, Any]) -> tuple[Refusing, str]:
    """Calls a handler; returns AWS with the answers it got, and all messages: logged or raised."""
    aws, main = Refusing(), _main(name)
    with played(aws) as monkeypatch, logged() as records:
        monkeypatch.setenv("SETTINGS", json.dumps(fixed))
        monkeypatch.setenv("AWS_SESSION_TOKEN", CANARY)
        monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
        raised = ""
        try:
            main(given, None)
        except CLEAR as error:
            raised = str(error)
    traces = [record for record in records if record.exc_info]
    assert not traces, f"a traceback: {traces[0].exc_info}"
    return aws, "\n".join([raised, *(record.getMessage() for record in records)])


def _main(name: str) -> Callable[[Any, object], None]:
    found: Callable[[Any, object], None] = importlib.import_module(f"{name}.handler").main
    return found


@pytest.mark.parametrize("name", ACTIONS)
@MANY
@given(data=st.data())
def test_any_job_event_gets_one_answer_or_a_clear_error(name: str, data: st.DataObject) -> None:
    given_event = data.draw(changes(job(ACTIONS[name])))
    aws, messages = called(name, given_event, {})

    assert len(aws.answers) <= 1
    assert aws.answers or "CodePipeline" in messages
    assert CANARY not in messages + json.dumps(aws.answers)
    for answer in aws.answers:
        if "failureDetails" in answer:
            assert answer["failureDetails"]["message"]


@pytest.mark.parametrize("name", ACTIONS)
@MANY
@given(data=st.data())
def test_any_user_parameters_and_any_state_get_one_answer(name: str, data: st.DataObject) -> None:
    given_event = job(data.draw(changes(ACTIONS[name])))
    inner = given_event["CodePipeline.job"]["data"]
    state = {"key": "k", "started": 1_800_000_000, "until": 1_800_000_900, "task": "t", "tries": 1, "requested": 1}
    inner["continuationToken"] = json.dumps(data.draw(st.just(state) | changes(state)))
    aws, messages = called(name, given_event, {})

    assert len(aws.answers) == 1
    assert CANARY not in messages + json.dumps(aws.answers)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("kind", ["run", "approval"])
@MANY
@given(data=st.data())
def test_any_event_of_eventbridge_is_read_or_refused_with_a_clear_error(
    name: str, kind: str, data: st.DataObject
) -> None:
    plain = event(3, "FAILED", **{"branch-name": "main"}) if kind == "run" else approval(3)
    _, messages = called(name, data.draw(changes(plain)), FUNCTIONS[name])

    assert CANARY not in messages


EXPECTED = "expected a CodePipeline event with a"


@pytest.mark.parametrize(
    ("given_event", "message"),
    [
        (None, f"{EXPECTED}n object CodePipeline.job, got nothing"),
        ([CANARY], f"{EXPECTED}n object CodePipeline.job, got nothing"),
        ({"CodePipeline.job": CANARY}, f"{EXPECTED}n object CodePipeline.job, got str"),
        ({"CodePipeline.job": {"id": 7}}, f"{EXPECTED} string CodePipeline.job.id, got int"),
    ],
)
def test_an_event_without_a_job_is_refused_with_what_was_expected(given_event: Any, message: str) -> None:
    with pytest.raises(UnreadableEventError) as error:
        _main("promote_image")(given_event, None)

    assert str(error.value) == message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"a": 1}, "UserParameters must be a string with a JSON object, got dict"),
        ("[" * 30_000, "UserParameters must be a JSON object, but it is nested too deeply"),
        (
            '{"images": ["\\ud800"], "tag": "v1"}',
            "parameter 'images' contains an unpaired surrogate and cannot be encoded",
        ),
    ],
)
def test_user_parameters_that_cannot_be_parsed_are_a_configuration_error(parameters: Any, message: str) -> None:
    given_event = job({})
    given_event["CodePipeline.job"]["data"]["actionConfiguration"]["configuration"]["UserParameters"] = parameters
    assert message in _configuration_error("promote_image", given_event)


def test_an_invalid_region_is_a_configuration_error() -> None:
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
    assert answer["failureDetails"]["message"] == "this handler did not write the continuation token"


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("detail", [None, CANARY, {}, {"pipeline": 7}, {"pipeline": "p", "execution-id": None}])
def test_a_state_change_without_a_run_is_refused_with_what_was_expected(name: str, detail: Any) -> None:
    _, messages = called(name, {"id": f"{name}-{detail}", "detail": detail}, FUNCTIONS[name])

    assert messages.startswith(EXPECTED)
