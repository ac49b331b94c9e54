"""Whatever is asked of the console, it answers: no failure of ours, no stack trace, nobody's secret."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from slipway_cli.console.pages import answer
from slipway_cli.console.site import alone
from slipway_cli.console.web import BASE, Request
from tests.slipway_cli.console.account import PIPELINE, Account, Desk
from tests.slipway_cli.console.test_site import ask

CANARY = "ghp_" + "canaryThatNobodyMayRead0123456789"
MANY = settings(
    max_examples=150,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.sampled_from(
    ["", "0", "-1", "9" * 30, "..", "%00", "\x00", "\ud800", "a/b", "<script>", "Approved", "Rejected", "Approval", "é"]
) | st.text(max_size=10)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "X"])
NAMES = st.sampled_from(
    ["region", "page", "token", "stage", "action", "attempt", "cursor", "answer", "comment", "reason", "abandon", "key"]
)
TABLES = st.dictionaries(NAMES, WORDS, max_size=4)
HEADERS = st.dictionaries(
    st.sampled_from(["host", "origin", "sec-fetch-site", "cookie", "referer"]),
    WORDS | st.sampled_from(["same-origin", "localhost:1", "http://localhost:1"]),
    max_size=3,
)


@pytest.fixture(name="busy")
def _busy(account: Account) -> tuple[Desk, str]:
    """An account with a run whose build's log holds a token, and the run's id."""
    run = account.run("main", 1, "Failed", at="Test")
    account.build(run.step("Test"), "installing", f"token {CANARY}")
    return Desk(account), run.id


def _paths(run: str) -> st.SearchStrategy[str]:
    known = [
        "",
        f"/{PIPELINE}/view",
        f"/{PIPELINE}/executions/{run}/visualization",
        f"/{PIPELINE}/executions/{run}/log",
    ]
    verbs = [f"/{PIPELINE}/executions/{run}/{verb}" for verb in ("answer", "retry", "stop", "log.txt", "timeline")]
    free = st.tuples(WORDS, WORDS, WORDS).map(lambda it: f"/{it[0]}/executions/{it[1]}/{it[2]}")
    return st.sampled_from([*known, *verbs]) | free


@MANY
@given(data=st.data())
def test_any_request_is_answered_without_a_failure_or_a_secret(
    busy: tuple[Desk, str], caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    desk, run = busy
    caplog.clear()
    caplog.set_level("DEBUG")
    fields = data.draw(TABLES, label="form")
    if data.draw(st.booleans(), label="knows the key"):
        fields = {**fields, "key": desk.console.key}
    body = data.draw(st.just(urlencode(fields, errors="replace").encode()) | st.binary(max_size=60), label="body")
    request = Request(
        data.draw(METHODS, label="method"),
        BASE + data.draw(_paths(run), label="path"),
        data.draw(TABLES, label="query"),
        data.draw(HEADERS, label="headers"),
        body,
    )

    reply = answer(desk.console, request)

    assert reply.status < 500 or reply.status == 502, (request, reply.body)  # 502: AWS refused, in AWS's words
    assert CANARY.encode() not in reply.body
    assert b"Traceback" not in reply.body
    assert not [record for record in caplog.records if record.exc_info]
    assert CANARY not in caplog.text
    assert desk.console.key not in caplog.text + json.dumps(dict(reply.headers))


@MANY
@given(path=WORDS, host=WORDS, method=METHODS, body=st.binary(max_size=40))
def test_any_request_over_the_wire_is_answered(
    busy: tuple[Desk, str], path: str, host: str, method: str, body: bytes
) -> None:
    application: Any = alone(busy[0].console)
    status, output = ask(
        application, BASE + quote(path, errors="replace"), host=host.encode("ascii", "replace").decode(), body=body
    )

    assert status < 500
    assert CANARY.encode() not in output
